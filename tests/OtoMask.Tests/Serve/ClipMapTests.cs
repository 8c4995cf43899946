using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using OtoMask.App.Serve;
using OtoMask.App.Serve.Mapping;
using OtoMask.Randomness;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Serve;

/// <summary>Maps of clips: principal directions, neighbours, and what a probe takes for what.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class ClipMapTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(40, 12)]   // more clips than numbers: by the covariance
    [InlineData(12, 40)]   // fewer: by the inner products
    public void Principal_directions_keep_distances_and_come_in_order(int count, int width)
    {
        var random = new RandomStream(5, RandomPurpose.Crop);
        var rows = new float[count * width];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = (random.NextSingle() - 0.5f) * (1 + i % width % 4 * 3);
        for (int d = 0; d < width; d++)   // what is mapped is centred
        {
            float mean = Enumerable.Range(0, count).Average(row => rows[row * width + d]);
            for (int row = 0; row < count; row++)
                rows[row * width + d] -= mean;
        }
        (float[] points, double[] shares) = ClipMap.Principal(rows, count, width);
        int directions = shares.Length;
        Assert.Equal(Math.Min(count - 1, width), directions);
        Assert.Equal(shares.OrderDescending(), shares);
        Assert.Equal(1, shares.Sum(), 1e-5);
        for (int a = 0; a < count; a++)
        {
            for (int b = 0; b < count; b++)
                Assert.Equal(Squared(rows, width, a, b), Squared(points, directions, a, b), 1e-3 * (1 + Squared(rows, width, a, b)));
        }
        for (int k = 0; k < directions; k++)
            Assert.True(Enumerable.Range(0, count).Select(row => points[row * directions + k]).MaxBy(Math.Abs) >= 0);
    }

    [Fact]
    public async Task A_task_is_mapped_with_its_neighbours_and_confusions_and_a_folder_without_labels_by_its_folders()
    {
        string audio = folder.Audio(clips: 24);
        Assert.Equal(0, AppProcess.Run(["pretrain", "--data", audio, "--out", folder.Inside("run"), .. AppFolder.TinyRun]).ExitCode);
        string task = folder.Text("kinds.csv", "file_name,label,split\n" + string.Concat(Enumerable.Range(0, 24).Select(i => $"audio/clip{i:D2}.wav,{(i % 2 == 0 ? "sweep" : "noise")},{(i < 16 ? "train" : "test")}\n")));
        File.WriteAllText(Path.Combine(audio, "broken.wav"), "no sound");
        await using ServedFolder served = await ServedFolder.StartAsync(folder, data: [task, audio]);
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        await client.GetAsync($"{served.Address}/api/runs");

        JsonElement map = await MakeAsync(client, served, "kinds", untrained: false);
        JsonElement[] clips = [.. map.GetProperty("clips").EnumerateArray()];
        Assert.Equal((24, 8), (clips.Length, clips.Count(clip => clip.TryGetProperty("predicted", out _))));
        Assert.Equal(["noise", "sweep"], map.GetProperty("classes").EnumerateArray().Select(name => name.GetString()));
        int right = clips.Count(clip => clip.TryGetProperty("predicted", out JsonElement predicted) && predicted.GetString() == clip.GetProperty("label").GetString());
        Assert.Equal(100.0 * right / 8, map.GetProperty("accuracy").GetProperty("value").GetDouble(), 1e-9);
        Assert.Equal(24 * map.GetProperty("shares").GetArrayLength(), MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(map.GetProperty("points").GetString()!)).Length);
        JsonElement[] nearest = [.. (await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/maps/1/nearest?clip=3")).EnumerateArray()];
        Assert.Equal(8, nearest.Length);
        Assert.DoesNotContain(nearest, other => other.GetProperty("clip").GetInt32() == 3);
        Assert.Equal(nearest.Select(other => other.GetProperty("cosine").GetDouble()).OrderDescending(), nearest.Select(other => other.GetProperty("cosine").GetDouble()));
        Assert.Contains("no clip 24", await (await client.GetAsync($"{served.Address}/api/maps/1/nearest?clip=24")).Content.ReadAsStringAsync());

        map = await MakeAsync(client, served, "audio", untrained: true);
        Assert.Equal(24, map.GetProperty("clips").GetArrayLength());
        Assert.Equal("recordings", map.GetProperty("clips")[0].GetProperty("label").GetString());
        Assert.Contains("1 could not be read", map.GetProperty("notes")[0].GetString());
        Assert.Equal(0, map.GetProperty("classes").GetArrayLength());
    }

    [Fact]
    public async Task A_map_of_a_run_without_a_checkpoint_says_so()
    {
        ServedFolder.WriteRun(folder, "run", 5, 20);
        await using ServedFolder served = await ServedFolder.StartAsync(folder, data: [folder.Audio(clips: 3)]);
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        JsonElement progress = await BeginAsync(client, served, "audio", untrained: false);
        for (int i = 0; i < 400 && !progress.TryGetProperty("problem", out _); i++)
        {
            await Task.Delay(50);
            progress = await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/maps/1/progress");
        }
        Assert.Contains("no checkpoint yet", progress.GetProperty("problem").GetString());
    }

    private static async Task<JsonElement> BeginAsync(HttpClient client, ServedFolder served, string set, bool untrained)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{served.Address}/api/maps?run=run&set={set}&untrained={untrained}") { Headers = { { Guard.Mark, "1" } } };
        using HttpResponseMessage answer = await client.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private static async Task<JsonElement> MakeAsync(HttpClient client, ServedFolder served, string set, bool untrained)
    {
        JsonElement progress = await BeginAsync(client, served, set, untrained);
        string id = progress.GetProperty("id").GetString()!;
        while (!progress.GetProperty("isReady").GetBoolean())
        {
            Assert.False(progress.TryGetProperty("problem", out JsonElement problem), problem.ToString());
            await Task.Delay(50);
            progress = await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/maps/{id}/progress");
        }
        return await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/maps/{id}");
    }

    private static double Squared(float[] rows, int width, int a, int b)
    {
        double sum = 0;
        for (int i = 0; i < width; i++)
            sum += Math.Pow(rows[a * width + i] - rows[b * width + i], 2);
        return sum;
    }
}

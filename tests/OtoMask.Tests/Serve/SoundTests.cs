using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OtoMask.App.Serve;
using OtoMask.App.Serve.Listening;
using OtoMask.Audio;
using OtoMask.Masking;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Serve;

/// <summary>Sounds that pages send or choose, what the server says of them, and what it keeps to itself.</summary>
public sealed class SoundTests : IDisposable
{
    private readonly AppFolder folder = new();
    private readonly HttpClient client = new() { Timeout = TimeSpan.FromMinutes(2) };

    public void Dispose()
    {
        client.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task A_sound_is_seen_masked_and_heard()
    {
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        string id = await SendAsync(served, Wav(4), "<b>mine</b>.wav");
        JsonElement view = await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/view?sound={id}&patch=16x8");
        Assert.Equal(("<b>mine</b>.wav", 5, 50, 4.0), (view.GetProperty("name").GetString(), view.GetProperty("rows").GetInt32(), view.GetProperty("columns").GetInt32(), view.GetProperty("whole").GetDouble()));
        Assert.Equal(80 * 400, Convert.FromBase64String(view.GetProperty("levels").GetString()!).Length);

        JsonElement masks = await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/masks?sound={id}&patch=16x8&ratio=0.8&hint=0.5&seed=7");
        Assert.Equal(KnownMaskings.All.Select(masking => masking.Name), masks.EnumerateObject().Select(mask => mask.Name));
        Assert.Equal(201, masks.GetProperty("dwm").GetProperty("masked").GetInt32());   // 250 less (int)(250 * (1 - 0.8)), which is 49

        foreach (string what in (string[])["whole", "logmel", "visible"])
        {
            byte[] wav = await client.GetByteArrayAsync($"{served.Address}/api/hear/{what}?sound={id}&patch=16x8&masking=dwm&ratio=0.8&seed=7");
            using var stream = new MemoryStream(wav);
            float[] samples = AudioFile.ReadMono(stream, AppFolder.Rate);
            Assert.Equal(63_999, samples.Length);
            Assert.Contains(samples, sample => Math.Abs(sample) > 0.01);
            Assert.Equal("audio/wav", (await client.GetAsync($"{served.Address}/api/hear/{what}?sound={id}&masking=dwm")).Content.Headers.ContentType!.MediaType);
        }
    }

    [Theory]
    [InlineData("/api/view?sound=99", "keeps the last 12")]
    [InlineData("/api/view?sound=1&from=60", "nothing of it lies at 60 s")]
    [InlineData("/api/view?sound=1&patch=9x9", "divides 80")]
    [InlineData("/api/view?sound=1&patch=16x1000000000000", "not of the form")]
    [InlineData("/api/view?sound=1&run=../run", "there is no run ../run")]
    [InlineData("/api/masks?sound=1&ratio=1", "ratio 1")]
    [InlineData("/api/masks?sound=1&ratio=NaN", "ratio NaN")]
    [InlineData("/api/masks?sound=1&hint=-1", "hint -1")]
    [InlineData("/api/hear/visible?sound=1&masking=nothing", "no masking strategy")]
    [InlineData("/api/hear/reconstruction?sound=1&masking=random", "choose a pre-training of MSM-MAE")]
    [InlineData("/api/clips?set=nothing", "no set of recordings nothing")]
    [InlineData("/api/clips/sound?set=audio&clip=../secret.wav", "has no clip ../secret.wav")]
    [InlineData("/api/clips/sound?set=audio&clip=/etc/passwd", "has no clip /etc/passwd")]
    [InlineData("/api/clips/sound?set=audio&clip=text.wav", "text.wav cannot be heard")]
    [InlineData("/api/maps/1", "holds that map no more")]
    public async Task A_question_that_makes_no_sense_is_answered_in_a_line(string question, string says)
    {
        string audio = folder.Audio(clips: 2);
        File.WriteAllText(Path.Combine(audio, "text.wav"), "no sound");
        folder.Silence("secret.wav", 1);
        await using ServedFolder served = await ServedFolder.StartAsync(folder, data: [audio]);
        await SendAsync(served, Wav(1), "one");
        using HttpResponseMessage answer = await client.GetAsync(served.Address + question);
        string said = await answer.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Contains(says, said);
        Assert.DoesNotContain('\n', said);
    }

    [Fact]
    public async Task What_is_sent_is_limited_in_size_kind_and_number()
    {
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        Assert.Contains("larger than 32 MB", await RefusedAsync(served, new byte[SoundShelf.MostBytes + 1], "large.wav"));
        Assert.Contains("text.wav is not shown", await RefusedAsync(served, "no sound at all, only words"u8.ToArray(), "text.wav"));
        Assert.Contains("is not shown", await RefusedAsync(served, [], "nothing.wav"));
        Assert.Contains("NumPy", await RefusedAsync(served, [0x93, .. "NUMPY"u8, 1, 0, 118, 0], "x.npy"));
        Assert.Contains("NaN", await RefusedAsync(served, File.ReadAllBytes(folder.Broken("NaN", "nan.wav")), "nan.wav"));
        using (var unmarked = new ByteArrayContent(Wav(1)))
            Assert.Equal(HttpStatusCode.Forbidden, (await client.PostAsync($"{served.Address}/api/sounds?name=x", unmarked)).StatusCode);

        // A day of silence packed in a few bytes is not unpacked: half a minute is kept.
        string day = folder.Inside("day.flac");
        AudioFile.WriteFlac(day, new float[3600 * 1000], 1000);
        string id = await SendAsync(served, File.ReadAllBytes(day), "day.flac");
        Assert.Equal(SoundShelf.MostSeconds, (await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/view?sound={id}")).GetProperty("whole").GetDouble(), 2);

        for (int i = 0; i < 12; i++)
            await SendAsync(served, Wav(0.2), $"{i}");
        Assert.Equal(HttpStatusCode.Conflict, (await client.GetAsync($"{served.Address}/api/view?sound={id}")).StatusCode);
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), "*.wav"));
    }

    [Fact]
    public async Task Clips_of_a_set_are_found_by_their_names()
    {
        string audio = folder.Audio();
        string csv = folder.Text("some.csv", "file_name\naudio/clip03.wav\naudio/clip01.wav\n");
        await using ServedFolder served = await ServedFolder.StartAsync(folder, data: [audio, csv]);
        JsonElement found = await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/clips?set=audio&find=CLIP%201");
        Assert.Equal((3, "clip01.wav"), (found.GetProperty("all").GetInt32(), found.GetProperty("names")[0].GetString()));
        found = await client.GetFromJsonAsync<JsonElement>($"{served.Address}/api/clips?set=some");
        Assert.Equal(["audio/clip03.wav", "audio/clip01.wav"], found.GetProperty("names").EnumerateArray().Select(name => name.GetString()));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{served.Address}/api/sounds/of?set=some&clip=audio/clip01.wav") { Headers = { { Guard.Mark, "1" } } };
        using HttpResponseMessage taken = await client.SendAsync(request);
        Assert.Equal(1.0, (await taken.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("seconds").GetDouble());
        byte[] wav = await client.GetByteArrayAsync($"{served.Address}/api/clips/sound?set=some&clip=audio/clip01.wav");
        Assert.Equal(44 + 2 * AppFolder.Rate, wav.Length);
    }

    [Theory]
    [InlineData("nowhere", "no such folder or CSV")]
    [InlineData("empty", "holds no audio")]
    [InlineData("logmels", "holds no sound")]
    public void A_set_that_is_none_is_refused_before_the_page_opens(string name, string says)
    {
        folder.Place("empty");
        OtoMask.Interop.NpyFile.Write(Path.Combine(folder.Place("logmels"), "a.npy"), new float[80], [80, 1]);
        AppProcess.Run("serve", folder.Path, "--data", folder.Inside(name), "--port", "0").AssertUserError(says);
    }

    private static byte[] Wav(double seconds) => WavBytes.Of(AppFolder.Sound(1, seconds), AppFolder.Rate);

    private async Task<string> SendAsync(ServedFolder served, byte[] bytes, string name)
    {
        using HttpResponseMessage answer = await PostAsync(served, bytes, name);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    private async Task<string> RefusedAsync(ServedFolder served, byte[] bytes, string name)
    {
        using HttpResponseMessage answer = await PostAsync(served, bytes, name);
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        string said = await answer.Content.ReadAsStringAsync();
        Assert.DoesNotContain('\n', said);
        return said;
    }

    private async Task<HttpResponseMessage> PostAsync(ServedFolder served, byte[] bytes, string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, string.Create(CultureInfo.InvariantCulture, $"{served.Address}/api/sounds?name={Uri.EscapeDataString(name)}")) { Content = new ByteArrayContent(bytes) };
        request.Headers.Add(Guard.Mark, "1");
        request.Headers.ExpectContinue = true; // what is refused for its size is refused before it is sent
        return await client.SendAsync(request);
    }
}

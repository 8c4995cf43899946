using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OtoMask.Audio;
using OtoMask.Interop;
using OtoMask.Tests.App;

namespace OtoMask.Tests;

/// <summary>The programs of samples/, as built, each in a process of its own.</summary>
public sealed partial class SamplesTests : IDisposable
{
    private readonly AppFolder folder = new();
    private readonly string model = Fixture.Path("m2d_vit_base-80x96p16x16p16k-fixture");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TheConsoleSampleEmbedsARecording()
    {
        AppResult result = AppProcess.RunProgram("dotnet", [Program("Console", "EmbedSample"), model, Path.Combine(folder.Audio(), "clip03.wav")], _ => { });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains("13 frames of 0.16 s, 240 numbers each", result.Output); // 2 s
        AppResult wrong = AppProcess.RunProgram("dotnet", [Program("Console", "EmbedSample"), model, "absent.wav"], _ => { });
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("there is no such file", wrong.Error);
        AppResult empty = AppProcess.RunProgram("dotnet", [Program("Console", "EmbedSample"), "", ""], _ => { });
        Assert.Equal(2, empty.ExitCode);
        Assert.StartsWith("usage:", empty.Error);
    }

    /// <summary>Two pre-trainings and two probes: some 10 s.</summary>
    [Fact]
    public void AMaskOfOnesOwnIsTrainedWithAndProbed()
    {
        string audio = folder.Audio(), task = folder.Inside("task.csv"), output = folder.Inside("own");
        string[] clips = [.. Directory.GetFiles(audio).Order(StringComparer.Ordinal)];
        File.WriteAllLines(task, [
            "file_name,label,split",
            .. clips.Select((clip, i) => $"{clip},{(i % 2 == 0 ? "even" : "odd")},{(i < clips.Length / 2 ? "train" : "test")}")]);
        AppResult result = AppProcess.RunProgram("dotnet", [Program("OwnMask", "OwnMask"), audio, task, output, "3"], _ => { });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^random: \d+\.\d % of task\r?\nloudest: \d+\.\d % of task\r?\n$", result.Output);
        Assert.Contains("mask: loudest", File.ReadAllText(Path.Combine(output, "loudest", "config.yaml")));
        Assert.InRange(File.ReadAllLines(Path.Combine(Repository.Root, "samples", "OwnMask", "Program.cs")).Length, 1, 59);
        // Another program does not know the strategy, and says so.
        AppProcess.Run("probe", Path.Combine(output, "loudest"), "--task", task).AssertUserError("no masking strategy \"loudest\"");
    }

    [Fact]
    public async Task TheWebSampleAnswersManyAtOnceAndRefusesWhatItCannotRead()
    {
        string[] clips = [.. Directory.GetFiles(folder.Audio()).Order(StringComparer.Ordinal)];
        using Process server = StartServer();
        try
        {
            using var client = new HttpClient { BaseAddress = await AddressOf(server) };
            Assert.True(client.BaseAddress.IsLoopback);
            float[][] answers = await Task.WhenAll(clips.Concat(clips).Select(clip => Embed(client, clip)));
            Assert.Equal(0, AppProcess.Run("embed", model, folder.Inside("audio"), "--out", folder.Inside("x.npy")).ExitCode);
            float[][] expected = [.. NpyFile.Read(folder.Inside("x.npy")).Values.Chunk(240)];
            for (int i = 0; i < answers.Length; i++)
                Assert.All(expected[i % clips.Length].Zip(answers[i]), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

            HttpResponseMessage text = await client.PostAsync("/embed", new StringContent("no audio"));
            Assert.Equal(HttpStatusCode.BadRequest, text.StatusCode);
            Assert.Contains("the body is no audio", await text.Content.ReadAsStringAsync());
            string unpacksToHours = folder.Inside("silence.flac"), temporary = Directory.CreateDirectory(folder.Inside("tmp")).FullName;
            AudioFile.WriteFlac(unpacksToHours, new float[3 * 3600 * AppFolder.Rate], AppFolder.Rate);
            HttpResponseMessage hours = await client.PostAsync("/embed", new ByteArrayContent(await File.ReadAllBytesAsync(unpacksToHours)));
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, hours.StatusCode);
            Assert.Contains("longer than 600 s", await hours.Content.ReadAsStringAsync());
            Assert.Empty(Directory.GetFiles(temporary));
            var large = new HttpRequestMessage(HttpMethod.Post, "/embed") { Content = new ByteArrayContent(new byte[20_000_001]) };
            large.Headers.ExpectContinue = true; // else it is cut off while it sends
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await client.SendAsync(large)).StatusCode);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private static async Task<float[]> Embed(HttpClient client, string clip)
    {
        HttpResponseMessage response = await client.PostAsync("/embed", new ByteArrayContent(await File.ReadAllBytesAsync(clip)));
        response.EnsureSuccessStatusCode();
        JsonNode answer = (await response.Content.ReadFromJsonAsync<JsonNode>())!;
        return [.. answer["embedding"]!.AsArray().Select(value => (float)value!)];
    }

    private Process StartServer() =>
        Process.Start(new ProcessStartInfo("dotnet", [Program("WebApi", "WebSample"), model, "0"]) { RedirectStandardOutput = true, Environment = { ["DOTNET_EnableDiagnostics"] = "0", ["TMPDIR"] = Directory.CreateDirectory(folder.Inside("tmp")).FullName } })!;

    private static async Task<Uri> AddressOf(Process server)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (await server.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                _ = server.StandardOutput.ReadToEndAsync(); // so that the server never waits for its log to be read
                return new Uri(match.Groups[1].Value);
            }
        }
        throw new InvalidOperationException("the server ended before it listened");
    }

    /// <summary>A sample's program, built beside these tests in the same configuration.</summary>
    private static string Program(string folder, string name)
    {
        string configuration = Path.GetRelativePath(Path.Combine(Repository.Root, "tests/OtoMask.Tests/bin"), AppContext.BaseDirectory);
        return Path.Combine(Repository.Root, "samples", folder, "bin", configuration, $"{name}.dll");
    }

    [GeneratedRegex(@"Now listening on: (http://\S+)")]
    private static partial Regex Listening();
}

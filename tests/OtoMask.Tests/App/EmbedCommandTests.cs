using OtoMask.Interop;

namespace OtoMask.Tests.App;

/// <summary><c>otomask embed</c> as a shell runs it, with a published model's folder.</summary>
public sealed class EmbedCommandTests : IDisposable
{
    private const int Width = 5 * 48;
    private readonly AppFolder folder = new();
    private readonly string model = Fixture.Path("m2d_vit_base-80x96p16x16p16k-fixture");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void EmbedsAFolderAFileAndACsv()
    {
        string audio = folder.Audio(clips: 5);
        folder.Broken("text", "audio/broken.wav");
        AppResult result = AppProcess.Run("embed", model, audio, "--out", folder.Inside("x.npy"));
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal([5, Width], NpyFile.Read(folder.Inside("x.npy")).Shape);
        Assert.Contains("5 clips, 5 rows of 240 numbers", result.Output);
        Assert.Contains("x real time", result.Output);
        Assert.Contains("1 of 6 clips cannot be used", result.Output);
        Assert.Contains("broken.wav: not readable as audio", result.Output);

        Assert.Equal(0, AppProcess.Run("embed", model, Path.Combine(audio, "clip03.wav"), "--out", folder.Inside("one.csv"), "--per", "frame", "--layers", "all").ExitCode);
        Assert.Equal(1 + 13, File.ReadLines(folder.Inside("one.csv")).Count()); // 2 s

        string csv = folder.Text("list.csv", "file_name\naudio/clip04.wav\naudio/clip01.wav\n");
        Assert.Equal(0, AppProcess.Run("embed", model, csv, "--out", folder.Inside("two.safetensors")).ExitCode);
        float[] all = NpyFile.Read(folder.Inside("x.npy")).Values;
        float[] two = SafetensorsFile.Read(folder.Inside("two.safetensors")).Tensors["embeddings"].ToFloats();
        Assert.Equal([.. all[(4 * Width)..], .. all[Width..(2 * Width)]], two);
    }

    [Theory]
    [InlineData("x.txt", "--out", "x.txt")]
    [InlineData("half", "--out", "x.npy", "--per", "half")]
    [InlineData("--batch 0", "--out", "x.npy", "--batch", "0")]
    public void SaysWhatIsWrong(string part, params string[] options) =>
        AppProcess.Run(["embed", model, folder.Audio(clips: 1), "--heads", "3", .. options]).AssertUserError(part);

    [Fact]
    public void HoursNeedNoMoreMemoryThanAMinute()
    {
        folder.Silence("hours.wav", seconds: 2 * 3600);
        // The samples of two hours would take 460 MB, their log-mel 230 MB, beside the 64 MB that any length needs. The heap may have 224: its collector
        // hands out memory by the 32 MB, and with 160 it once found no piece of one, with 80 half of the times.
        AppResult result = AppProcess.RunWith("DOTNET_GCHeapHardLimit", "0xE000000", "embed", model, folder.Inside("hours.wav"), "--out", folder.Inside("x.npy"), "--per", "frame");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal([45001, Width], NpyFile.Read(folder.Inside("x.npy")).Shape);
    }

    [Theory]
    [InlineData("INT", 130), InlineData("TERM", 143), InlineData("KILL", 137)]
    public void StoppedItLeavesNoOutput(string signal, int exitCode)
    {
        folder.Silence("day.wav", seconds: 24 * 3600);
        string output = folder.Inside("x.npy");
        using AppProcess embed = AppProcess.Start("embed", model, folder.Inside("day.wav"), "--out", output);
        while (!Directory.EnumerateFiles(folder.Path, "x.npy.*.tmp").Any())
            Thread.Sleep(20);
        embed.Signal(signal);
        Assert.Equal(exitCode, embed.Wait().ExitCode);
        Assert.False(File.Exists(output));
        if (signal != "KILL")
            Assert.Empty(Directory.EnumerateFiles(folder.Path, "x.*"));
    }
}

using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Pretraining;
using OtoMask.Weights;

namespace OtoMask.Tests.Survival;

/// <summary>What can happen to a cache while a run reads it.</summary>
public sealed class CutCacheTests : IDisposable
{
    private readonly AppFolder folder = new();

    public CutCacheTests()
    {
        AppResult prepared = AppProcess.Run("prepare", folder.Audio(), "--out", Cache);
        Assert.True(prepared.ExitCode == 0, prepared.Error);
    }

    private string Cache => folder.Inside("cache");

    private string Data => Path.Combine(Cache, "log-mels.f32");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void One_that_is_cut_short_ends_the_run_with_one_line_and_when_it_is_whole_again_nothing_is_lost()
    {
        byte[] whole = File.ReadAllBytes(Data);
        var run = new RunFolder(folder.Inside("run"));
        using AppProcess app = Train("run");
        WaitForCheckpoints(run, app, 2);
        using (FileStream data = new(Data, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            data.SetLength(1000);
        AppResult result = app.Wait();
        Assert.Equal(1, result.ExitCode);
        string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.All(
            (string[])[Cache, "cut short", $"1000 of {whole.Length} bytes", $"the last good checkpoint is {run.LatestCheckpoint}", $"otomask pretrain --resume {run.Path}"],
            part => Assert.Contains(part, line));

        AppResult refused = AppProcess.Run("pretrain", "--resume", run.Path);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("damaged", refused.Error);

        File.WriteAllBytes(Data, whole);
        string epoch = $"{Checkpoint.Read(run.Path).State.Step / 3 + 2}";
        Assert.Equal(0, AppProcess.Run("pretrain", "--resume", run.Path, "--stop-at", epoch).ExitCode);
        using AppProcess straight = Train("straight", "--stop-at", epoch);
        Assert.Equal(0, straight.Wait().ExitCode);
        SameRun.AssertSame(new RunFolder(folder.Inside("straight")), run);
    }

    [Fact]
    public void One_that_is_removed_is_read_on_until_the_run_ends()
    {
        var run = new RunFolder(folder.Inside("run"));
        using AppProcess app = Train("run");
        WaitForCheckpoints(run, app, 2);
        Directory.Delete(Cache, recursive: true);
        long step = long.Parse(Path.GetFileNameWithoutExtension(run.LatestCheckpoint)["step-".Length..]);
        WaitFor(app, () => string.CompareOrdinal(run.LatestCheckpoint, run.CheckpointOf(step + 30)) > 0); // many more than are read ahead
        app.Signal("TERM");
        AppResult result = app.Wait();
        Assert.Equal((143, "otomask: stopped\n"), (result.ExitCode, result.Error));
    }

    /// <summary>A run of three steps an epoch that takes longer than anybody waits.</summary>
    private AppProcess Train(string run, params string[] more) =>
        AppProcess.Start(["pretrain", "--data", Cache, "--out", folder.Inside(run), .. AppFolder.TinyRunOf(epochs: 100_000), .. more]);

    private static void WaitForCheckpoints(RunFolder run, AppProcess app, int count) => WaitFor(app, () => run.Checkpoints.Count >= count);

    private static void WaitFor(AppProcess app, Func<bool> happened)
    {
        while (!happened())
        {
            Assert.False(app.HasExited, "it ended too soon");
            Thread.Sleep(50);
        }
    }
}

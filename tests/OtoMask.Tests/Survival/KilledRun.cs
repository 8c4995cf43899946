using System.Text.Json.Nodes;
using OtoMask.Randomness;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Survival;

/// <summary>A run whose processes are killed at moments drawn by number, and started again as a user would.</summary>
/// <param name="folder">The run.</param>
/// <param name="begin">The command line that begins it; <c>--resume</c> goes on once there is a checkpoint.</param>
/// <param name="seed">Decides the moments.</param>
internal sealed class KilledRun(RunFolder folder, string[] begin, ulong seed)
{
    private const int SigKill = 128 + 9;
    private const int LongestStartMs = 1500, MostFiles = 4, LongestPauseMs = 15;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private int lives;

    /// <summary>Starts the program.</summary>
    public Func<string[], AppProcess> Launch { get; init; } = AppProcess.Start;

    private int kills, killsWithinAWrite, killsBeforeACheckpoint;

    /// <summary>How often <c>OTOMASK_KILLS</c> says that each run is killed.</summary>
    public static int KillsOr(int usual) => int.TryParse(Environment.GetEnvironmentVariable("OTOMASK_KILLS"), out int kills) ? kills : usual;

    /// <summary>Runs the program and kills it so many times, then goes on to the end of the run.</summary>
    public void DieAndFinish(int times)
    {
        while (kills < times)
            LiveAndDie();
        Finish();
    }

    /// <summary>The finished run is the same as one that was left alone: checkpoints byte by byte, log, configuration, bad clips and numbers.</summary>
    /// <param name="straight">The run that was left alone.</param>
    /// <param name="speeds">What of <c>metrics.json</c> no two runs share.</param>
    public void AssertSame(RunFolder straight, params string[] speeds)
    {
        SameRun.AssertSame(straight, folder);
        string[] expected = CheckpointFiles(straight), actual = CheckpointFiles(folder);
        Assert.Equal(expected.Select(Path.GetFileName), actual.Select(Path.GetFileName));
        Assert.All(expected.Zip(actual), pair => Assert.True(
            File.ReadAllBytes(pair.First).AsSpan().SequenceEqual(File.ReadAllBytes(pair.Second)), $"{pair.Second} has other bytes"));
        Assert.Equal(File.ReadAllText(straight.Config), File.ReadAllText(folder.Config));
        Assert.Equal(File.ReadAllText(straight.BadFiles), File.ReadAllText(folder.BadFiles));
        Assert.Equal(Numbers(straight, speeds), Numbers(folder, speeds));
        Assert.True(File.Exists(folder.Report));
    }

    /// <summary>How it died.</summary>
    public override string ToString() => $"{kills} kills, {killsWithinAWrite} within a write, {killsBeforeACheckpoint} before the first checkpoint";

    /// <summary>The newest checkpoints, and the best epoch of a fine-tuning.</summary>
    private static string[] CheckpointFiles(RunFolder run) => [.. Directory.GetFiles(Path.GetDirectoryName(run.BestCheckpoint)!, "*.safetensors").Order(StringComparer.Ordinal)];

    private static string Numbers(RunFolder run, string[] speeds)
    {
        JsonObject numbers = JsonNode.Parse(File.ReadAllText(run.Metrics))!.AsObject();
        Assert.All(speeds, speed => Assert.True(numbers.Remove(speed), speed));
        return numbers.ToJsonString();
    }

    /// <summary>Starts the program and kills it: as it starts, when a temporary file appears, or a little after a checkpoint did.</summary>
    private void LiveAndDie()
    {
        var random = new RandomStream(seed, RandomPurpose.Probe, 0, lives++);
        using var moment = new ManualResetEventSlim();
        using AppProcess app = Start();
        switch (random.NextInt32(4))
        {
            case 0:
                Thread.Sleep(random.NextInt32(LongestStartMs));
                break;
            case 1 or 2:
                using (Watch("*.tmp", random.NextInt32(MostFiles), moment))
                    WaitFor(moment, app);
                break;
            default:
                using (Watch("step-*.safetensors", random.NextInt32(MostFiles), moment))
                    WaitFor(moment, app);
                Thread.Sleep(random.NextInt32(LongestPauseMs));
                break;
        }
        app.Kill();
        AppResult end = app.Wait();
        Assert.True(end.ExitCode == SigKill, $"it ended with {end.ExitCode} before it was killed: {end.Error}{end.Output}");
        kills++;
        if (folder.Checkpoints.Count == 0)
            killsBeforeACheckpoint++;
        if (Leftovers().Any())
            killsWithinAWrite++;
    }

    private void Finish()
    {
        using AppProcess app = Start();
        AppResult end = app.Wait();
        Assert.True(end.ExitCode == 0, end.Error);
        Assert.Empty(Leftovers());
    }

    private AppProcess Start() => folder.Checkpoints.Count > 0
        ? Launch([begin[0], "--resume", folder.Path])
        : Launch(begin);

    private string[] Leftovers() => Directory.Exists(folder.Path) ? Directory.GetFiles(folder.Path, "*.tmp", SearchOption.AllDirectories) : [];

    /// <summary>Sets <paramref name="moment"/> when so many files of a name and one more have appeared below the run's parent.</summary>
    private FileSystemWatcher Watch(string name, int before, ManualResetEventSlim moment)
    {
        int left = before;
        void Seen()
        {
            if (Interlocked.Decrement(ref left) < 0)
                moment.Set();
        }
        var watcher = new FileSystemWatcher(Path.GetDirectoryName(folder.Path)!, name) { IncludeSubdirectories = true };
        watcher.Created += (_, _) => Seen();
        watcher.Renamed += (_, _) => Seen();
        watcher.EnableRaisingEvents = true;
        return watcher;
    }

    private static void WaitFor(ManualResetEventSlim moment, AppProcess app)
    {
        DateTime end = DateTime.UtcNow + Patience;
        while (!moment.Wait(TimeSpan.FromMilliseconds(200)) && !app.EndsWithin(TimeSpan.Zero))
            Assert.True(DateTime.UtcNow < end, "nothing was written");
    }
}

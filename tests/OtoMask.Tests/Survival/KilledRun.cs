using OtoMask.Pretraining;
using OtoMask.Randomness;
using OtoMask.Tests.App;

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

    /// <summary>Processes killed so far.</summary>
    public int Kills { get; private set; }

    /// <summary>Those that left an unfinished file: they died while they wrote.</summary>
    public int KillsWithinAWrite { get; private set; }

    /// <summary>Those that died before the run had its first checkpoint.</summary>
    public int KillsBeforeACheckpoint { get; private set; }

    /// <summary>Starts the program and kills it: as it starts, when a temporary file appears, or a little after a checkpoint did.</summary>
    public void LiveAndDie()
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
        Kills++;
        if (folder.Checkpoints.Count == 0)
            KillsBeforeACheckpoint++;
        if (Leftovers().Any())
            KillsWithinAWrite++;
    }

    /// <summary>Goes on to the end of the run.</summary>
    public void Finish()
    {
        using AppProcess app = Start();
        AppResult end = app.Wait();
        Assert.True(end.ExitCode == 0, end.Error);
        Assert.Empty(Leftovers());
    }

    private AppProcess Start() => folder.Checkpoints.Count > 0
        ? AppProcess.Start("pretrain", "--resume", folder.Path)
        : AppProcess.Start(begin);

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

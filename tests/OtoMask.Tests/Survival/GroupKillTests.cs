using System.Diagnostics;
using OtoMask.Randomness;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Distributed;
using OtoMask.Tests.FineTuning;
using OtoMask.Tests.Pretraining;
using Xunit.Abstractions;

namespace OtoMask.Tests.Survival;

/// <summary>Of processes that train together any may be killed at any moment: the others end, say which, and leave nobody behind; the same command line goes on, and the end is the
/// same to the bit. Two kills of each run, for each takes some seconds until the others are sure; OTOMASK_KILLS=50 kills each that often.</summary>
public sealed class GroupKillTests(ITestOutputHelper output) : IDisposable
{
    private const int MostMilliseconds = 6000, SigKill = 128 + 9;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly int Kills = KilledRun.KillsOr(2);
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1, 2, "--framework", "m2d", "--mask", "dwm")]
    [InlineData(2, 3, "--framework", "msm-mae", "--mask", "random", "--accumulate", "2")]
    [InlineData(3, 3, "--framework", "m2d", "--mask", "sgim", "--precision", "bf16", "--gradients", "bf16")]
    public void Any_of_them_may_be_killed_at_any_moment(int seed, int size, params string[] options)
    {
        string audio = folder.Audio();
        AssertSurvives(seed, size, SameRun.AssertSame, run => ["pretrain", "--data", audio, "--out", run, .. AppFolder.TinyRunOf(40 + 30 * Kills), .. options]);
    }

    [Fact]
    public void So_they_may_in_a_fine_tuning()
    {
        using var data = new FineTuningFolder();
        AssertSurvives(seed: 4, size: 2, FineTuningFolder.AssertSameRun, run => FineTuningFolder.CommandLine(data.Pretrained, data.TaskCsv, run, $"{60 + 40 * Kills}"));
    }

    private void AssertSurvives(int seed, int size, Action<RunFolder, RunFolder> assertSame, Func<string, string[]> command)
    {
        string[] Command(string run) => [.. command(folder.Inside(run)), "--processes", $"{size}", "--timeout", "60"];
        AppResult straight = AppProcess.Run(Command("straight"));
        Assert.True(straight.ExitCode == 0, straight.Error);

        var random = new RandomStream((ulong)seed, RandomPurpose.Probe);
        for (int kill = 0; kill < Kills; kill++)
            KillOne(Command("run"), size, ref random);
        AppResult end = AppProcess.Run(Command("run"));
        Assert.True(end.ExitCode == 0, end.Error);
        assertSame(new RunFolder(folder.Inside("straight")), new RunFolder(folder.Inside("run")));
    }

    private void KillOne(string[] command, int size, ref RandomStream random)
    {
        using AppProcess app = AppProcess.Start(command);
        int[] ranks;
        while ((ranks = GroupProcesses.Of(folder.Inside("run"))).Length < size && !app.HasExited)
            Thread.Sleep(20);
        Thread.Sleep(random.NextInt32(MostMilliseconds));
        int victim = random.NextInt32(size);
        AppProcess.Signal("KILL", ranks[victim]);
        long begin = Stopwatch.GetTimestamp();
        AppResult end = app.Wait();
        Assert.True(Stopwatch.GetElapsedTime(begin) < Patience);
        if (end.ExitCode == 0)
            return; // it was done before
        output.WriteLine($"rank {victim}: {end.ExitCode}, {Stopwatch.GetElapsedTime(begin).TotalSeconds:0.0} s, {end.Error.Trim().Replace("\n", " | ")}");
        Assert.Equal(victim == 0 ? SigKill : 1, end.ExitCode);
        Assert.All(end.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.StartsWith("otomask: ", line));
        if (victim != 0)
            Assert.Contains($"rank {victim} ", end.Error);
        Assert.Empty(GroupProcesses.Of(folder.Inside("run")));
    }
}

using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Distributed;

/// <summary>What happens between two machines. Takes minutes: what is lost is waited for, and every run goes on to its end.</summary>
public sealed class TwoHostTests : IDisposable
{
    private const int Seconds = 20;
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(Seconds + 60);
    private readonly AppFolder folder = new();
    private readonly TwoHosts hosts = new();
    private readonly string audio;

    public TwoHostTests() => audio = folder.Audio();

    public void Dispose()
    {
        hosts.Dispose();
        folder.Dispose();
    }

    [TwoHostsFact]
    public void Whichever_host_is_lost_the_other_says_so_and_the_same_lines_go_on()
    {
        Finish("straight", epochs: 60);
        foreach (int victim in (int[])[1, 0])
        {
            AppProcess[] ranks = Begin("run", epochs: 60);
            ranks[victim].Kill();
            Assert.True(ranks[1 - victim].EndsWithin(Bound));
            AppResult end = ranks[1 - victim].Wait();
            Assert.Equal(1, end.ExitCode);
            Assert.Contains($"rank {victim} is gone", Assert.Single(end.Error.TrimEnd('\n').Split('\n')));
        }
        AssertGoesOn(epochs: 60);
    }

    [TwoHostsFact]
    public void A_wire_that_is_cut_ends_both_in_time_and_the_same_lines_go_on()
    {
        Finish("straight", epochs: 40);
        AppProcess[] ranks = Begin("run", epochs: 40);
        hosts.Cut(true);
        foreach (AppProcess rank in ranks)
        {
            Assert.True(rank.EndsWithin(Bound));
            AppResult end = rank.Wait();
            Assert.Equal(1, end.ExitCode);
            Assert.Matches("rank . is gone.* reached", Assert.Single(end.Error.TrimEnd('\n').Split('\n')));
        }
        hosts.Cut(false);
        AssertGoesOn(epochs: 40);
    }

    [TwoHostsFact]
    public void A_wire_that_loses_a_fifth_of_its_packets_makes_a_run_slower_and_nothing_else()
    {
        Finish("straight", epochs: 2);
        hosts.Lose(0.2);
        // Six losses in a row of one segment or its receipt, which happen once in some hundred messages, hold TCP up for longer than the other tests wait.
        Finish("run", epochs: 2, seconds: 600);
        SameRun.AssertSame(Run("straight"), Run("run"));
    }

    private RunFolder Run(string name) => new(folder.Inside(name));

    private AppProcess[] Start(string run, int epochs, int seconds = Seconds) =>
        hosts.Start(["pretrain", "--data", audio, "--out", folder.Inside(run), .. AppFolder.TinyRunOf(epochs), "--timeout", $"{seconds}"]);

    /// <summary>Starts both, and waits until the run has got somewhere.</summary>
    private AppProcess[] Begin(string run, int epochs)
    {
        long before = Math.Max(0, GroupProcesses.StepsOf(Run(run)));
        AppProcess[] ranks = Start(run, epochs);
        GroupProcesses.WaitForCheckpoint(Run(run), before + 3, ranks);
        return ranks;
    }

    private void Finish(string run, int epochs, int seconds = Seconds) => Assert.All(Start(run, epochs, seconds), rank => Assert.True(rank.Wait() is { ExitCode: 0 } end, rank.Wait().Error));

    private void AssertGoesOn(int epochs)
    {
        Finish("run", epochs);
        SameRun.AssertSame(Run("straight"), Run("run"));
    }
}

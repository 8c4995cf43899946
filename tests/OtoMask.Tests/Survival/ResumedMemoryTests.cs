using System.Globalization;
using System.Text.RegularExpressions;
using OtoMask.Runs;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Survival;

/// <summary>A run that fits in memory can be resumed in it: its checkpoint is never there as a whole, beside the model.</summary>
public sealed partial class ResumedMemoryTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_run_takes_the_memory_that_was_announced_and_no_more_when_it_is_resumed()
    {
        string run = folder.Inside("run");
        (long peak, double announced) = Run(
            "--data", folder.Audio(), "--out", run, "--encoder", "384/10/6", "--decoder", "384/2/6", "--input", "80x48", "--batch", "4", "--steps", "2", "--min-clips", "0",
            "--evaluate-every", "0");
        long checkpoint = new FileInfo(new RunFolder(run).LatestCheckpoint).Length;
        (long resumed, double announcedAgain) = Run("--resume", run, "--steps", "4", "--force");
        Assert.InRange(resumed - peak, long.MinValue, checkpoint / 3); // held as a whole, it would be all of it, and copies besides
        Assert.InRange(announced / peak, 0.8, 1.1);
        Assert.InRange(announcedAgain / resumed, 0.8, 1.1);
    }

    private static (long Peak, double Announced) Run(params string[] options)
    {
        using AppProcess app = AppProcess.Start(["pretrain", .. options]);
        long peak = app.PeakMemory();
        AppResult result = app.Wait();
        Assert.True(result.ExitCode == 0, result.Error);
        return (peak, 1e9 * double.Parse(Announcement().Match(result.Output).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex("([0-9.]+) GB of memory")]
    private static partial Regex Announcement();
}

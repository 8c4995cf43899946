using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Devices;
using OtoMask.Tests.Evaluation;
using OtoMask.Tests.FineTuning;
using Xunit.Abstractions;

namespace OtoMask.Tests.Survival;

/// <summary>
/// <c>kill -9</c> at any moment loses nothing: the run that goes on ends like one that was left alone. 70 kills here, with those of
/// <see cref="CommandKillTests"/> some 100; they take three minutes. OTOMASK_KILLS=1000 kills each run that often, with other moments.
/// </summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private static readonly int KillsOfARun = KilledRun.KillsOr(13), KillsOfAFineTuning = KilledRun.KillsOr(12), KillsOnADevice = KilledRun.KillsOr(6);
    private readonly AppFolder folder = new();
    private Func<string[], AppProcess> launch = AppProcess.Start;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1, "--framework", "m2d", "--mask", "dwm")]
    [InlineData(2, "--framework", "msm-mae", "--mask", "random", "--accumulate", "2")]
    [InlineData(3, "--framework", "m2d", "--mask", "sgim", "--precision", "bf16", "--moments", "bf16", "--gradients", "bf16")]
    [InlineData(4, "--framework", "msm-mae", "--mask", "block", "--keep-last", "1", "--keep-every", "7")]
    public void A_run_killed_at_random_moments_equals_one_that_was_not(int seed, params string[] options) =>
        KillPretraining(seed, KillsOfARun, 120 + 10 * KillsOfARun, "64/2/2", options);

    [Theory]
    [InlineData(6, "--framework", "m2d", "--mask", "sgim")]
    public void So_does_one_on_another_device(int seed, params string[] options)
    {
        launch = arguments => AppProcess.StartWith(PretendedDevice.Variable, PretendedDevice.Library, arguments);
        KillPretraining(seed, KillsOnADevice, 60 + 10 * KillsOnADevice, "16/1/2", ["--device", "privateuseone", .. options]);
    }

    [Fact]
    public void A_fine_tuning_killed_at_random_moments_equals_one_that_was_not()
    {
        using var tones = new ToneTask();
        string encoder = folder.Inside("encoder"), epochs = $"{40 + 8 * KillsOfAFineTuning}";
        AppResult made = AppProcess.Run(
            "pretrain", "--data", tones.Folder, "--out", encoder, "--encoder", "16/2/2", "--decoder", "8/1/1", "--input", "80x48", "--batch", "4", "--steps", "1", "--evaluate-every", "0");
        Assert.True(made.ExitCode == 0, made.Error);
        File.WriteAllText(Path.Combine(tones.Folder, "3.wav"), "no audio");
        KillAndCompare(run => FineTuningFolder.CommandLine(encoder, tones.CsvPath, run, epochs), seed: 5, KillsOfAFineTuning, "seconds");
    }

    private void KillPretraining(int seed, int kills, int steps, string shape, string[] options)
    {
        string audio = folder.Audio();
        folder.Broken("NaN", "audio/broken.wav");
        string[] Begin(string run) =>
        [
            "pretrain", "--data", audio, "--out", run, "--encoder", shape, "--decoder", shape, "--input", "80x96", "--batch", "6", "--steps", $"{steps}",
            "--min-clips", "0", "--checkpoint-every", "1", "--evaluate-every", "3", .. options,
        ];
        KillAndCompare(Begin, seed, kills, "seconds", "clips_per_second");
    }

    private void KillAndCompare(Func<string, string[]> begin, int seed, int kills, params string[] speeds)
    {
        RunFolder straight = new(folder.Inside("straight")), run = new(folder.Inside("killed"));
        AppResult result = launch(begin(straight.Path)).Wait();
        Assert.True(result.ExitCode == 0, result.Error);

        var killed = new KilledRun(run, begin(run.Path), (ulong)seed) { Launch = launch };
        killed.DieAndFinish(kills);
        output.WriteLine(killed.ToString());
        killed.AssertSame(straight, speeds);
    }
}

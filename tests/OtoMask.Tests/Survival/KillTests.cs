using System.Text.Json.Nodes;
using OtoMask.Pretraining;
using OtoMask.Tests.App;
using OtoMask.Tests.Pretraining;
using Xunit.Abstractions;

namespace OtoMask.Tests.Survival;

/// <summary>
/// <c>kill -9</c> at any moment loses nothing: the run that goes on ends like one that was left alone. 52 kills here, with those of
/// <c>StudyCommandTests</c> some 60; they take a minute and a half. OTOMASK_KILLS=1000 kills each run that often, with other moments.
/// </summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private static readonly int KillsOfARun = int.TryParse(Environment.GetEnvironmentVariable("OTOMASK_KILLS"), out int kills) ? kills : 13;
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1, "--framework", "m2d", "--mask", "dwm")]
    [InlineData(2, "--framework", "msm-mae", "--mask", "random", "--accumulate", "2")]
    [InlineData(3, "--framework", "m2d", "--mask", "sgim", "--precision", "bf16", "--moments", "bf16")]
    [InlineData(4, "--framework", "msm-mae", "--mask", "block", "--keep-last", "1", "--keep-every", "7")]
    public void A_run_killed_at_random_moments_equals_one_that_was_not(int seed, params string[] options)
    {
        string audio = folder.Audio();
        folder.Broken("NaN", "audio/broken.wav");
        string steps = $"{120 + 10 * KillsOfARun}";
        string[] Begin(string run) =>
        [
            "pretrain", "--data", audio, "--out", folder.Inside(run), "--encoder", "64/2/2", "--decoder", "64/2/2", "--input", "80x96", "--batch", "6", "--steps", steps,
            "--min-clips", "0", "--checkpoint-every", "1", "--evaluate-every", "3", .. options,
        ];
        var straight = new RunFolder(folder.Inside("straight"));
        Assert.Equal(0, AppProcess.Run(Begin("straight")).ExitCode);

        var killed = new KilledRun(new RunFolder(folder.Inside("killed")), Begin("killed"), (ulong)seed);
        while (killed.Kills < KillsOfARun)
            killed.LiveAndDie();
        killed.Finish();

        output.WriteLine($"{killed.Kills} kills, {killed.KillsWithinAWrite} within a write, {killed.KillsBeforeACheckpoint} before the first checkpoint");
        AssertTheSame(straight, new RunFolder(folder.Inside("killed")));
    }

    private static void AssertTheSame(RunFolder expected, RunFolder actual)
    {
        SameRun.AssertSame(expected, actual);
        Assert.Equal(expected.Checkpoints.Select(Path.GetFileName), actual.Checkpoints.Select(Path.GetFileName));
        Assert.All(expected.Checkpoints.Zip(actual.Checkpoints), pair => Assert.True(
            File.ReadAllBytes(pair.First).AsSpan().SequenceEqual(File.ReadAllBytes(pair.Second)), $"{pair.Second} has other bytes"));
        Assert.Equal(File.ReadAllText(expected.Config), File.ReadAllText(actual.Config));
        Assert.Equal(File.ReadAllText(expected.BadFiles), File.ReadAllText(actual.BadFiles));
        Assert.Equal(Numbers(expected), Numbers(actual));
        Assert.True(File.Exists(actual.Report));
    }

    /// <summary>What <c>metrics.json</c> tells, but for speeds.</summary>
    private static string Numbers(RunFolder run)
    {
        JsonObject numbers = JsonNode.Parse(File.ReadAllText(run.Metrics))!.AsObject();
        Assert.True(numbers.Remove("seconds") && numbers.Remove("clips_per_second"));
        return numbers.ToJsonString();
    }
}

using System.Runtime.Versioning;
using OtoMask.FineTuning;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.FineTuning;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Survival;

/// <summary>As <see cref="DamagedRunTests"/>, of fine-tunings: what can happen to a run folder, to its disk, and to the run itself.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
[SupportedOSPlatform("linux")]
public sealed class DamagedFineTuningTests : IDisposable
{
    private readonly FineTuningFolder data = new();

    public void Dispose() => data.Dispose();

    [Fact]
    public void Whatever_happened_to_the_newest_checkpoint_the_one_before_it_is_offered_and_goes_on_to_the_same_end()
    {
        RunFolder straight = FineTune("straight", "--keep-last", "2"), run = FineTune("run", "--keep-last", "2", "--stop-at", "2");
        string good = run.Checkpoints[^2], damaged = run.LatestCheckpoint;
        var damage = new CheckpointDamage(damaged, "otomask.finetuned");
        foreach ((Action happen, string why) in ((Action, string)[])
        [
            (damage.FlipABit, "checksum does not match"),
            (damage.CutInHalf, "claims"),
            (() => damage.CutTo(0), "zero bytes"),
            (() => damage.Rewrite(state => state["Version"] = 99), "version 99"),
            (() => damage.Rewrite(state => state.Remove("Classes")), "Classes"),
        ])
        {
            happen();
            string message = Assert.Throws<UserErrorException>(() => FineTunedCheckpoint.ReadToResume(run.Path)).Message;
            Assert.All((string[])[damaged, why, $"The newest good checkpoint is {good}"], part => Assert.Contains(part, message));
        }

        AppResult refused = AppProcess.Run("finetune", "--resume", run.Path);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"give that instead of {run.Path}", refused.Error);

        Assert.Equal(0, AppProcess.Run("finetune", "--resume", good).ExitCode);
        FineTuningFolder.AssertSameRun(straight, run);
        Assert.True(File.Exists(damaged + ".aside"));
    }

    [Fact]
    public void A_checkpoint_of_another_version_of_the_program_is_taken_with_a_warning_and_one_with_unknown_keys_is_not()
    {
        (RunFolder run, _) = data.Train("run", data.Config, stopAt: 1);
        var damage = new CheckpointDamage(run.LatestCheckpoint, "otomask.finetuned");
        damage.Rewrite(state => state["Program"] = "0.0.1+abc");
        var observer = new RecordingObserver();
        FineTunedCheckpoint from = FineTunedCheckpoint.ReadToResume(run.Path);
        FineTuningSetup.Resume(from, from.State.ParsedConfig, _ => { }, observer).Dispose();
        Assert.Contains("was written by otomask 0.0.1+abc, this is ", Assert.Single(observer.Warnings));

        damage.Rewrite(state => (state["Program"], state["Config"]!["colour"]) = ("0.0.1+abc", "red"));
        AppResult refused = AppProcess.Run("finetune", "--resume", run.Path);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("unknown key 'colour'; it is from otomask 0.0.1+abc", refused.Error);
    }

    [Fact]
    public void Steps_that_are_not_finite_end_the_run_with_one_line_and_without_force_it_ends_as_ever()
    {
        RunFolder straight = FineTune("straight"), run = FineTune("run", "--stop-at", "1");
        AppResult diverged = AppProcess.Run("finetune", "--resume", run.Path, "--lr", "1e30", "--force");
        Assert.Equal(1, diverged.ExitCode);
        Assert.Contains($"5 steps in a row were not finite; the last good checkpoint is {run.CheckpointOf(3)}", Assert.Single(diverged.Error.TrimEnd('\n').Split('\n')));
        Assert.True(File.Exists(run.Report));

        Assert.Equal(0, AppProcess.Run("finetune", "--resume", run.Path).ExitCode);
        FineTuningFolder.AssertSameRun(straight, run);
    }

    [SmallDiskFact]
    public void A_disk_that_fills_up_ends_the_run_with_words_and_with_room_again_it_goes_on_to_the_same_end()
    {
        RunFolder straight = FineTune("straight");
        long room = 3 * new FileInfo(straight.LatestCheckpoint).Length / 2 + new FileInfo(straight.BestCheckpoint).Length;
        string disk = Directory.CreateDirectory(data.Inside("disk")).FullName, saved = data.Inside("saved");
        FullDisk.AssertSurvived(disk, room, saved, data.CommandLine("disk/run", epochs: 4));
        FineTuningFolder.AssertSameRun(straight, new RunFolder(saved));
    }

    /// <summary>A run of four epochs of three steps, with a checkpoint after each.</summary>
    private RunFolder FineTune(string name, params string[] more)
    {
        AppResult result = AppProcess.Run([.. data.CommandLine(name, epochs: 4), .. more]);
        Assert.True(result.ExitCode == 0, result.Error);
        return new RunFolder(data.Inside(name));
    }
}

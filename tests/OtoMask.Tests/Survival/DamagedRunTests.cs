using System.Runtime.Versioning;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Pretraining;
using OtoMask.Weights;

namespace OtoMask.Tests.Survival;

/// <summary>What can happen to a run folder while nobody trains in it, and to its disk while somebody does.</summary>
[SupportedOSPlatform("linux")]
public sealed class DamagedRunTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Whatever_happened_to_the_newest_checkpoint_the_one_before_it_is_offered_and_goes_on_to_the_same_end()
    {
        RunFolder straight = Train("straight"), run = Train("run", "--stop-at", "1");
        string good = run.Checkpoints[^2], damaged = run.LatestCheckpoint;
        var damage = new CheckpointDamage(damaged, "otomask.state");
        foreach ((Action happen, string why) in ((Action, string)[])
        [
            (damage.FlipABit, "checksum does not match"),
            (damage.CutInHalf, "claims"),
            (() => damage.CutTo(0), "zero bytes"),
            (() => damage.Rewrite(state => state["Version"] = 99), "version 99"),
            (() => damage.Rewrite(state => state["Config"]!["colour"] = "red"), "unknown key 'colour'; it is from otomask "),
            (() => damage.Rewrite(state => state["Config"]!["batch"] = "many"), "'many' is no whole number"),
            (() => damage.Rewrite(state => state["Config"]!["encoder"] = null), "encoder"),
            (() => damage.Rewrite(state => state.Remove("ManifestHash")), "ManifestHash"),
            (() => damage.Rewrite(state => state["Step"] = -1), "step -1"),
        ])
        {
            happen();
            string message = Assert.Throws<UserErrorException>(() => Checkpoint.Read(run.Path)).Message;
            Assert.All((string[])[damaged, why, $"The newest good checkpoint is {good}"], part => Assert.Contains(part, message));
        }

        // Every command that reads a run folder says so.
        AppResult refused = AppProcess.Run("pretrain", "--resume", run.Path);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"give that instead of {run.Path}", refused.Error);
        Assert.Contains(good, AppProcess.Run("probe", run.Path, "--task", Task()).Error);

        Assert.Equal(0, AppProcess.Run("pretrain", "--resume", good).ExitCode);
        SameRun.AssertSame(straight, run);
        Assert.True(File.Exists(damaged + ".aside"));
    }

    [Fact]
    public void Where_no_checkpoint_is_good_none_is_offered()
    {
        RunFolder run = Train("run", "--stop-at", "1");
        foreach (string checkpoint in run.Checkpoints)
            File.WriteAllText(checkpoint, "nothing");
        string message = Assert.Throws<UserErrorException>(() => Checkpoint.Read(run.Path)).Message;
        Assert.Contains(run.LatestCheckpoint, message);
        Assert.DoesNotContain("good checkpoint", message);
    }

    [Fact]
    public void A_run_killed_before_its_first_checkpoint_begins_again_and_the_folder_of_somebody_else_is_left_alone()
    {
        string audio = folder.Audio(), run = folder.Inside("run"), theirs = Directory.CreateDirectory(folder.Inside("theirs")).FullName;
        Directory.CreateDirectory(Path.Combine(run, "checkpoints"));
        File.WriteAllText(Path.Combine(run, "checkpoints", ".lock"), "");
        File.WriteAllText(Path.Combine(run, "config.yaml"), "batch: 4\n");
        File.WriteAllText(Path.Combine(run, "log.jsonl"), new EvaluationRecord(0, 0, "rankme", 3.5).ToJson() + "\n"); // comes before the checkpoint
        File.WriteAllText(Path.Combine(run, "checkpoints", "step-000000000.safetensors.1a2b-0123456789abcdef0123456789abcdef.tmp"), "half of it");
        File.WriteAllText(Path.Combine(theirs, "config.yaml"), "colour: red\n");

        AppProcess.Run("pretrain", "--resume", run).AssertUserError("stopped before the first step", $"--out {run}");
        AppProcess.Run(["pretrain", "--data", audio, "--out", theirs, .. AppFolder.TinyRun]).AssertUserError(theirs, "is not empty");
        Assert.Equal("colour: red\n", File.ReadAllText(Path.Combine(theirs, "config.yaml")));

        Assert.Equal(0, AppProcess.Run(["pretrain", "--data", audio, "--out", run, .. AppFolder.TinyRunOf(epochs: 4)]).ExitCode);
        Assert.Empty(Directory.GetFiles(run, "*.tmp", SearchOption.AllDirectories));
        SameRun.AssertSame(Train("straight"), new RunFolder(run));
    }

    [Fact]
    public void A_run_whose_checkpoints_were_taken_away_keeps_its_log()
    {
        RunFolder run = Train("run", "--stop-at", "1");
        string log = File.ReadAllText(run.Log);
        Directory.Move(Path.Combine(run.Path, "checkpoints"), folder.Inside("elsewhere"));
        foreach (bool isMade in (bool[])[false, true])
        {
            if (isMade)
                Directory.CreateDirectory(Path.Combine(run.Path, "checkpoints"));
            Assert.Contains(run.Path, Assert.Throws<UserErrorException>(run.Create).Message);
            Assert.Contains(run.Path, Assert.Throws<UserErrorException>(run.Clear).Message);
            Assert.Equal(log, File.ReadAllText(run.Log));
        }
    }

    [Fact]
    public void A_run_goes_on_only_where_its_files_are_its_own()
    {
        RunFolder run = Train("run", "--stop-at", "1");
        string theirs = folder.Text("theirs", "theirs");
        File.Delete(run.Report);
        File.CreateSymbolicLink(run.Report, theirs);
        AppProcess.Run("pretrain", "--resume", run.Path).AssertUserError(run.Report, "is a link");
        Assert.Equal("theirs", File.ReadAllText(theirs));
        File.Delete(run.Report);
        File.Delete(run.Metrics);
        Directory.CreateDirectory(run.Metrics); // where a run would find out at its end
        AppProcess.Run("pretrain", "--resume", run.Path).AssertUserError(run.Metrics, "is a folder");
    }

    [Fact]
    public void Two_processes_do_not_train_in_one_folder()
    {
        RunFolder run = Train("run", "--stop-at", "1");
        run.Occupy();
        AppProcess.Run("pretrain", "--resume", run.Path).AssertUserError(run.Path, "another process");
        run.Release();
        Assert.Equal(0, AppProcess.Run("pretrain", "--resume", run.Path).ExitCode);
    }

    [UnprivilegedFact]
    public void A_run_in_a_folder_that_may_only_be_read_is_refused_before_the_work_begins()
    {
        RunFolder run = Train("run", "--stop-at", "1");
        File.SetUnixFileMode(folder.Path, (UnixFileMode)0b111_101_101);
        AppResult refused = UnprivilegedFactAttribute.Run("pretrain", "--resume", run.Path);
        refused.AssertUserError(run.Path, "write");
    }

    [SmallDiskFact]
    public void A_disk_that_fills_up_ends_the_run_with_words_and_with_room_again_it_goes_on_to_the_same_end()
    {
        RunFolder straight = Train("straight");
        long checkpoint = new FileInfo(straight.LatestCheckpoint).Length;
        string disk = Directory.CreateDirectory(folder.Inside("disk")).FullName, saved = folder.Inside("saved");
        FullDisk.AssertSurvived(disk, 5 * checkpoint / 2, saved, ["pretrain", "--data", folder.Inside("audio"), "--out", Path.Combine(disk, "run"), .. AppFolder.TinyRunOf(epochs: 4)]);
        SameRun.AssertSame(straight, new RunFolder(saved));
    }

    /// <summary>A run of four epochs of three steps on the same sounds, with a checkpoint after each.</summary>
    private RunFolder Train(string name, params string[] more)
    {
        string audio = folder.Inside("audio");
        if (!Directory.Exists(audio))
            folder.Audio();
        AppResult result = AppProcess.Run(["pretrain", "--data", audio, "--out", folder.Inside(name), .. AppFolder.TinyRunOf(epochs: 4), .. more]);
        Assert.True(result.ExitCode == 0, result.Error);
        return new RunFolder(folder.Inside(name));
    }

    private string Task() => folder.Text("task.csv", "file_name,label,split\n" + string.Concat(
        Enumerable.Range(0, 12).Select(clip => $"audio/clip{clip:D2}.wav,{(clip % 2 == 0 ? "sweep" : "noise")},{(clip < 8 ? "train" : "test")}\n")));
}

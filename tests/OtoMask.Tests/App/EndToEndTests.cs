using System.Text.Json.Nodes;
using OtoMask.Interop;
using OtoMask.Runs;
using OtoMask.Tests.Pretraining;
using OtoMask.Tests.Survival;
using OtoMask.Weights;

namespace OtoMask.Tests.App;

/// <summary>The program's main job as a user does it, on audio that the test generates.</summary>
public sealed class EndToEndTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Log_mels_and_masks_of_a_recording()
    {
        string clip = Path.Combine(folder.Audio(), "clip03.wav");
        Ok(AppProcess.Run("logmel", clip, "--out", folder.Inside("x.npy")));
        Assert.Equal([80, 201], NpyFile.Read(folder.Inside("x.npy")).Shape); // 2 s
        Ok(AppProcess.Run("masks", clip, "--out", folder.Inside("gallery.html")));
        Assert.Contains("dwm-topk", File.ReadAllText(folder.Inside("gallery.html")));
    }

    [Fact]
    public void A_run_leaves_a_whole_folder_and_plain_words()
    {
        AppResult result = Ok(Pretrain("run"));
        Assert.DoesNotContain('\e', result.Output);
        Assert.Contains("M parameters, 6 steps", result.Output); // the estimate
        Assert.Contains("step 6 of 6", result.Output);
        Assert.Contains("rankme", result.Output);

        var run = new RunFolder(folder.Inside("run"));
        Assert.All([run.Config, run.Log, run.Report, run.LatestCheckpoint], file => Assert.True(File.Exists(file), file));
        Assert.Single(Directory.GetFiles(run.Path, "events.out.tfevents.*"));
        JsonNode metrics = JsonNode.Parse(File.ReadAllText(run.Metrics))!;
        Assert.InRange((double)metrics["final_loss"]!, 0, 10);
        Assert.InRange((double)metrics["evaluations"]!["rankme"]!, 1, 16);
        Assert.InRange((double)metrics["evaluations"]!["cev_auc"]!, 0, 1);
        Assert.Equal((6, 6, 12, 0, 24), ((int)metrics["step"]!, (int)metrics["total_steps"]!, (int)metrics["clips"]!, (int)metrics["bad_files"]!, (int)metrics["clips_seen"]!));
        Assert.True((double)metrics["seconds"]! > 0 && (double)metrics["clips_per_second"]! > 0);
    }

    [Fact]
    public void Precision_auto_is_told_and_resolved_in_the_configuration()
    {
        string[] told = [.. Ok(Pretrain("run", "--precision", "auto")).Output.Split('\n').Where(line => line.StartsWith("precision auto: ", StringComparison.Ordinal))];
        string chosen = Assert.Single(told).Split(' ')[2].TrimEnd(',');
        Assert.Contains($"\nprecision: {chosen}\n", File.ReadAllText(folder.Inside("run/config.yaml")));
    }

    [Fact]
    public void A_cache_gives_the_same_run_as_the_files()
    {
        Assert.Contains("12 clips", Ok(AppProcess.Run("prepare", folder.Audio(), "--out", folder.Inside("cache"))).Output);
        Assert.Contains("12 clips", Ok(AppProcess.Run("prepare", folder.Inside("audio"), "--out", folder.Inside("cache"))).Output); // nothing left to do
        Ok(Pretrain("from files"));
        Ok(AppProcess.Run(["pretrain", "--data", folder.Inside("cache"), "--out", folder.Inside("from cache"), .. AppFolder.TinyRun]));
        AssertSameRun("from files", "from cache");
    }

    [Fact]
    public void A_run_stopped_and_resumed_equals_one_that_was_not()
    {
        Ok(Pretrain("straight"));
        Assert.Contains("--resume", Ok(Pretrain("halves", "--stop-at", "1")).Output);
        Ok(AppProcess.Run("pretrain", "--resume", folder.Inside("halves")));
        AssertSameRun("straight", "halves");

        string again = Ok(AppProcess.Run("pretrain", "--resume", folder.Inside("halves"))).Output;
        Assert.Contains("steps are done already", again);
        Assert.DoesNotContain("timing", again);
        AssertSameRun("straight", "halves");
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public void Checkpointed_activations_change_no_bit_where_ATen_computes(string precision)
    {
        string audio = folder.Audio();
        AppResult Train(string run, string checkpoint) => AppProcess.RunWith(
            "OTOMASK_KERNELS", "off",
            ["pretrain", "--data", audio, "--out", folder.Inside(run), .. AppFolder.TinyRun, "--precision", precision, "--accumulate", "2", "--checkpoint-activations", checkpoint]);
        Ok(Train("kept", "false"));
        Ok(Train("computed again", "true"));
        AssertSameRun("kept", "computed again");
    }

    [Fact]
    public void A_resumed_run_takes_what_changes_no_result_and_the_rest_by_force()
    {
        Ok(Pretrain("run", "--stop-at", "1"));
        string run = folder.Inside("run");
        Refused(AppProcess.Run("pretrain", "--resume", run, "--batch", "8", "--epochs", "3"), "epochs 2 -> 3, batch 4 -> 8", "--force");
        Refused(AppProcess.Run("pretrain", "--resume", run, "--input", "80x192", "--force"), "another model");
        Refused(AppProcess.Run("pretrain", "--resume", run, "--epochs", "3", "--steps", "2"), "choose one");
        Refused(AppProcess.Run("pretrain", "--resume", run, "--size", "small"), "--size has no effect");
        AppProcess.Run("pretrain", "--resume", run, "--out", folder.Inside("other")).AssertUserError("--out");
        AppResult forced = Ok(AppProcess.Run("pretrain", "--resume", run, "--batch", "6", "--stop-at", "2", "--force"));
        Assert.Contains("warning: from step 3 on the run is another: batch 4 -> 6", forced.Output);
        Assert.Contains(SameRun.Rows(new RunFolder(run)), row => row.Contains("kind=change") && row.Contains("key=batch old=4 new=6"));
        Assert.Contains("\nbatch: 6\n", File.ReadAllText(new RunFolder(run).Config));
        Ok(AppProcess.Run("pretrain", "--resume", run, "--checkpoint-activations", "true", "--workers", "1"));
        Assert.Contains("checkpoint-activations: true", File.ReadAllText(new RunFolder(run).Config));
    }

    /// <summary>A run's own configuration tells every value, also those that have no effect: nobody said them.</summary>
    [Fact]
    public void The_configuration_of_a_run_makes_the_same_run()
    {
        Ok(Pretrain("run", "--mask", "random", "--framework", "msm-mae"));
        string config = new RunFolder(folder.Inside("run")).Config;
        Assert.Contains("size: tiny\nencoder: 16/1/2\ndecoder: 16/1/2\n", File.ReadAllText(config));
        Ok(AppProcess.Run("pretrain", "--config", config, "--out", folder.Inside("again")));
        AssertSameRun("run", "again");
    }

    /// <summary>A run that was begun when <c>inverse-block</c> had no random warm-up: it goes on as it was by the name this has now, and as another by force alone.</summary>
    [Fact]
    public void A_run_of_blocks_from_before_their_warm_up_does_not_become_another_in_silence()
    {
        string[] run = ["pretrain", "--data", folder.Audio(), .. AppFolder.TinyRun.Select(value => value == "80x96" ? "80x128" : value), "--patch", "16x8"];
        Ok(AppProcess.Run([.. run, "--mask", "inverse-block-from-start", "--out", folder.Inside("whole")]));
        foreach (string name in (string[])["old", "old, forced"])
        {
            Ok(AppProcess.Run([.. run, "--mask", "inverse-block-from-start", "--stop-at", "1", "--out", folder.Inside(name)]));
            new CheckpointDamage(new RunFolder(folder.Inside(name)).LatestCheckpoint, "otomask.state").Rewrite(state =>
            {
                Assert.True(state.Remove("MaskNames"));
                state["Config"]!["mask"] = "inverse-block";
            });
        }
        Refused(AppProcess.Run("pretrain", "--resume", folder.Inside("old")), "mask inverse-block-from-start -> inverse-block", "say --mask inverse-block-from-start", "--force");
        Ok(AppProcess.Run("pretrain", "--resume", folder.Inside("old"), "--mask", "inverse-block-from-start"));
        AssertSameRun("whole", "old");
        Assert.Contains(
            "from step 3 on the run is another: mask inverse-block-from-start -> inverse-block",
            Ok(AppProcess.Run("pretrain", "--resume", folder.Inside("old, forced"), "--force")).Output);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void A_signal_finishes_the_step_writes_a_checkpoint_and_says_how_to_go_on(string signal, int code)
    {
        string audio = folder.Audio(), run = folder.Inside("run");
        using AppProcess app = AppProcess.Start(["pretrain", "--data", audio, "--out", run, .. AppFolder.TinyRunOf(epochs: 100_000)]);
        while (new RunFolder(run).Checkpoints.Count < 2)
            Thread.Sleep(100);
        app.Signal(signal);
        AppResult result = app.Wait();
        Assert.Equal((code, "otomask: stopped\n"), (result.ExitCode, result.Error));
        Assert.Contains($"go on with: otomask pretrain --resume {run}", result.Output);
        long step = Checkpoint.Read(run).State.Step;
        Assert.Equal(step, (long)JsonNode.Parse(File.ReadAllText(new RunFolder(run).Metrics))!["step"]!);
        int epoch = (int)(step / 3) + 1;
        Ok(AppProcess.Run("pretrain", "--resume", run, "--stop-at", $"{epoch}"));
        Assert.Equal(3 * epoch, Checkpoint.Read(run).State.Step);
    }

    [Fact]
    public void A_second_signal_ends_it_at_once_and_the_run_goes_on_from_its_newest_checkpoint()
    {
        string audio = folder.Audio(), run = folder.Inside("run");
        using AppProcess app = AppProcess.Start(["pretrain", "--data", audio, "--out", run, .. AppFolder.TinyRunOf(epochs: 100_000)]);
        while (new RunFolder(run).Checkpoints.Count < 2)
            Thread.Sleep(100);
        app.Signal("INT");
        app.Signal("INT");
        Assert.Equal(130, app.Wait().ExitCode);
        long step = Checkpoint.Read(run).State.Step;
        Ok(AppProcess.Run("pretrain", "--resume", run, "--stop-at", $"{step / 3 + 1}"));
        Assert.Equal(Enumerable.Range(1, 3 * (int)(step / 3 + 1)), SameRun.Rows(new RunFolder(run)).Where(row => row.StartsWith("kind=step ")).Select((_, i) => i + 1));
    }

    [Fact]
    public void A_bad_file_among_many_is_skipped_counted_and_listed()
    {
        string audio = folder.Audio();
        foreach (string kind in (string[])["text", "zero-length", "NaN"])
            folder.Broken(kind, $"audio/{kind}.wav");
        Ok(Pretrain("run"));
        string[] listed = File.ReadAllLines(folder.Inside("run/bad-files.csv"))[1..];
        Assert.Equal(["NaN.wav", "text.wav", "zero-length.wav"], listed.Select(line => Path.GetFileName(line.Split(',')[0].Trim('"'))));
        Assert.Equal(3, (int)JsonNode.Parse(File.ReadAllText(folder.Inside("run/metrics.json")))!["bad_files"]!);
        Assert.Contains("3 of 15 clips cannot be used", Ok(AppProcess.Run("prepare", audio, "--out", folder.Inside("cache"))).Output);
    }

    [Fact]
    public void A_probe_of_the_run_stands_beside_its_baselines()
    {
        string audio = folder.Audio(clips: 40);
        IEnumerable<string> rows = Enumerable.Range(0, 40).Select(clip => $"audio/clip{clip:D2}.wav,{(clip % 2 == 0 ? "sweep" : "noise")},{(clip < 28 ? "train" : "test")}\n");
        string task = folder.Text("task.csv", "file_name,label,split\n" + string.Concat(rows));
        AppResult run = Ok(AppProcess.Run(["pretrain", "--data", audio, "--out", folder.Inside("run"), .. AppFolder.TinyRun, "--task", task]));
        Assert.Contains("knn/task", run.Output);

        AppResult probe = Ok(AppProcess.Run("probe", folder.Inside("run"), "--task", task, "--seeds", "42,43", "--out", folder.Inside("metrics.json")));
        Assert.DoesNotContain('\e', probe.Output);
        Assert.All((string[])["random", "logmel-stats", "k-NN"], word => Assert.Contains(word, probe.Output));
        Assert.Contains("strict", File.ReadAllText(folder.Inside("metrics.json")));
    }

    /// <summary>Exit code 2, and the last line of stderr contains every one of <paramref name="parts"/>.</summary>
    private static void Refused(AppResult result, params string[] parts)
    {
        Assert.Equal(2, result.ExitCode);
        Assert.All(parts, part => Assert.Contains(part, result.Error));
    }

    private AppResult Pretrain(string run, params string[] more) =>
        AppProcess.Run(["pretrain", "--data", Directory.Exists(folder.Inside("audio")) ? folder.Inside("audio") : folder.Audio(), "--out", folder.Inside(run), .. AppFolder.TinyRun, .. more]);

    private void AssertSameRun(string one, string other) => SameRun.AssertSame(new RunFolder(folder.Inside(one)), new RunFolder(folder.Inside(other)));

    private static AppResult Ok(AppResult result)
    {
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result;
    }
}

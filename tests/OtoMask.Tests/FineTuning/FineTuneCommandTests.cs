using System.Text.Json.Nodes;
using OtoMask.Configuration;
using OtoMask.FineTuning;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.FineTuning;

/// <summary><c>finetune</c> and <c>predict</c> as a user runs them.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class FineTuneCommandTests : IDisposable
{
    private readonly FineTuningFolder data = new();

    [Fact]
    public void A_run_leaves_a_model_that_names_the_classes_of_recordings()
    {
        AppResult run = Ok(FineTune("run"));
        Assert.DoesNotContain('\e', run.Output);
        Assert.Matches(@"test accuracy [0-9.]+ % \(95 % over clips [0-9.]+ to [0-9.]+\) of epoch [0-9]+ of 12, chosen on validation", run.Output);
        var folder = new RunFolder(data.Inside("run"));
        JsonNode metrics = JsonNode.Parse(File.ReadAllText(folder.Metrics))!;
        Assert.Equal(("strict", "accuracy", 36), ((string)metrics["mode"]!, (string)metrics["metric"]!, (int)metrics["step"]!));
        Assert.Equal((21, 3, 8), ((int)metrics["counts"]!["train"]!, (int)metrics["counts"]!["valid"]!, (int)metrics["counts"]!["test"]!));
        double value = (double)metrics["value"]!;
        Assert.InRange(value, 75, 100);
        Assert.InRange(value, (double)metrics["interval95_over_clips"]![0]!, (double)metrics["interval95_over_clips"]![1]!);
        string report = File.ReadAllText(folder.Report);
        Assert.Contains("Choosing the epoch", report);
        Assert.DoesNotContain("Hint ratio", report);
        Assert.Equal(12, ConfigFile.Read(folder.Config, FineTuningKeys.All, new FineTuningConfig()).Epochs);

        Directory.CreateDirectory(data.Inside("new/deep"));
        File.Copy(data.Inside("0.wav"), data.Inside("new/a.wav"));
        File.Copy(data.Inside("1.wav"), data.Inside("new/deep/b, c.wav"));
        File.WriteAllText(data.Inside("new/broken.wav"), "no audio");
        AppResult told = AppProcess.Run("predict", data.Inside("run"), data.Inside("new"), data.Inside("2.wav"), "--top", "1");
        Assert.Equal(0, told.ExitCode);
        Assert.Contains("left out: " + data.Inside("new/broken.wav"), told.Error);
        string[] lines = told.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(["new/a.wav: low", "new/deep/b, c.wav: high", "2.wav: low"], lines.Select(line => line[(data.Inside("").Length + (data.Inside("").EndsWith('/') ? 0 : 1))..line.LastIndexOf(' ')]));

        AppResult written = AppProcess.Run("predict", data.Inside("run"), data.Inside("new"), "--top", "9", "--out", data.Inside("x.csv"));
        Assert.Contains("2 recordings, 1 left out", written.Output);
        string[] rows = File.ReadAllLines(data.Inside("x.csv"));
        Assert.Equal(("file_name,rank,label,probability", 5), (rows[0], rows.Length)); // 2 recordings, 2 classes
        Assert.StartsWith($"\"{data.Inside("new/deep/b, c.wav")}\",1,high,0.", rows[3]);
        Assert.Equal(1, rows[1..3].Sum(row => double.Parse(row.Split(',')[^1])), 1e-5);
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public void A_signal_finishes_the_step_writes_a_checkpoint_and_says_how_to_go_on(string signal, int code)
    {
        var run = new RunFolder(data.Inside("run"));
        using AppProcess app = AppProcess.Start(data.CommandLine("run", epochs: 100_000));
        while (!File.Exists(run.BestCheckpoint) && !app.HasExited)
            Thread.Sleep(50);
        app.Signal(signal);
        AppResult result = app.Wait();
        Assert.Equal((code, "otomask: stopped\n"), (result.ExitCode, result.Error));
        Assert.Contains($"go on with: otomask finetune --resume {run.Path}", result.Output);
        JsonNode metrics = JsonNode.Parse(File.ReadAllText(run.Metrics))!;
        Assert.Null(metrics["value"]);
        long step = FineTunedCheckpoint.Read(run.LatestCheckpoint).State.Step;
        Assert.Equal(step, (long)metrics["step"]!);
        int epoch = (int)(step / 3) + 1;
        Ok(AppProcess.Run("finetune", "--resume", run.Path, "--stop-at", $"{epoch}"));
        Assert.Equal(3 * epoch, FineTunedCheckpoint.Read(run.LatestCheckpoint).State.Step);
    }

    [Fact]
    public void A_resumed_run_takes_what_changes_no_result_the_rest_by_force_and_some_never()
    {
        Ok(FineTune("run", "--stop-at", "1"));
        var run = new RunFolder(data.Inside("run"));
        AppResult Resume(params string[] more) => AppProcess.Run(["finetune", "--resume", run.Path, .. more]);
        Refused(Resume("--lr", "1e-3", "--epochs", "9"), $"{run.LatestCheckpoint} was trained otherwise: epochs 12 -> 9, lr 0.005 -> 0.001", "add --force");
        File.WriteAllText(data.Inside("other.yaml"), "warmup: 0.2\n");
        Refused(Resume("--config", data.Inside("other.yaml")), "warmup 0.025 -> 0.2", "add --force");
        Refused(Resume("--lr", "1", "--mode", "select-on-test", "--seed", "7", "--force"), "mode strict -> select-on-test, seed 42 -> 7, which nothing can force");
        Refused(Resume("--patch-out", "0", "--force"), "patch-out 0.3 -> 0, which nothing can force");

        AppResult forced = Ok(Resume("--lr", "1e-3", "--patch-out", "0.4", "--stop-at", "2", "--force"));
        Assert.Contains("warning: from step 3 on the run is another: lr 0.005 -> 0.001, patch-out 0.3 -> 0.4", forced.Output);
        Assert.Contains(SameRun.Rows(run), row => row.Contains("kind=change") && row.Contains("key=lr old=0.005 new=0.001"));
        Assert.Contains("\nlr: 0.001\n", File.ReadAllText(run.Config));
        Refused(Resume("--epochs", "1", "--force"), "has done 6 steps, more than the 3");

        string elsewhere = Directory.CreateDirectory(data.Inside("elsewhere")).FullName, task = Path.Combine(elsewhere, "the same.csv");
        foreach (string clip in Directory.GetFiles(data.Inside(""), "*.wav"))
            File.Copy(clip, Path.Combine(elsewhere, Path.GetFileName(clip)));
        File.Copy(data.TaskCsv, task);
        Assert.DoesNotContain("warning", Ok(Resume("--task", task, "--workers", "1", "--stop-at", "3")).Output);
        Assert.Contains($"task: {task}", File.ReadAllText(run.Config));
        File.WriteAllText(task, File.ReadAllText(task).Replace("0.wav,low,train", "0.wav,low,test", StringComparison.Ordinal));
        Refused(Resume("--force"), "the same.csv", "has changed since");
    }

    [Fact]
    public void Mistakes_are_one_line_each()
    {
        AppProcess.Run("finetune", data.Pretrained, "--out", data.Inside("run")).AssertUserError("--task");
        AppProcess.Run("finetune", data.Pretrained, "--task", data.TaskCsv).AssertUserError("--out");
        AppProcess.Run("finetune", data.Inside("none"), "--task", data.TaskCsv, "--out", data.Inside("run")).AssertUserError("none");
        AppProcess.Run("finetune", data.Pretrained, "--task", data.TaskCsv, "--out", data.Inside("run"), "--lr", "fast").AssertUserError("--lr: 'fast' is no number");
        FineTune("run", "--resume", data.Inside("run")).AssertUserError("--resume goes on");
        FineTune("run", "--force").AssertUserError("--force is for --resume");
        AppProcess.Run("finetune", data.Pretrained, "--resume", data.Inside("run")).AssertUserError("CHECKPOINT", "choose one");
        Assert.False(Directory.Exists(data.Inside("run")));
        AppProcess.Run("predict", data.Pretrained, data.Inside("0.wav")).AssertUserError("is no fine-tuned model");
        AppProcess.Run("predict", data.Inside(""), data.Inside("0.wav")).AssertUserError("holds no fine-tuned model");
    }

    public void Dispose() => data.Dispose();

    private AppResult FineTune(string run, params string[] more) => AppProcess.Run([.. data.CommandLine(run, epochs: 12), .. more]);

    private static void Refused(AppResult result, params string[] parts)
    {
        Assert.Equal(2, result.ExitCode);
        Assert.All(parts, part => Assert.Contains(part, Assert.Single(result.Error.TrimEnd('\n').Split('\n'))));
    }

    private static AppResult Ok(AppResult result)
    {
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result;
    }
}

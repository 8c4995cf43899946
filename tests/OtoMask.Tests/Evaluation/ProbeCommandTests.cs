using System.CommandLine;
using System.Text.Json;
using OtoMask.App.Commands;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class ProbeCommandTests : IDisposable
{
    private readonly ToneTask tones = new();

    [Fact]
    public void JudgesACheckpointWithItsBaselinesBeside()
    {
        string checkpoint = UntrainedCheckpoint.Write(Path.Combine(tones.Folder, "tiny.safetensors"), frames: 48);
        JsonElement file = Run(checkpoint, "--task", tones.CsvPath, "--mode", "tuned", "--seeds", "1,2");
        Assert.Equal("tones", file.GetProperty("task").GetString());
        Assert.Equal(64, file.GetProperty("task_sha256").GetString()!.Length);

        JsonElement[] linear = [.. file.GetProperty("results").EnumerateArray().Where(row => row.GetProperty("evaluation").GetString() == "linear")];
        Assert.Equal([checkpoint, "random", "logmel-stats"], linear.Select(row => row.GetProperty("encoder").GetString()));
        Assert.All(linear, row =>
        {
            Assert.Equal(("tuned", "accuracy"), (row.GetProperty("mode").GetString(), row.GetProperty("metric").GetString()));
            Assert.Equal(100, row.GetProperty("value").GetDouble());
            Assert.Equal([1, 2], row.GetProperty("seed").EnumerateArray().Select(seed => seed.GetInt32()));
            Assert.Equal((8, 0), (row.GetProperty("counts").GetProperty("test").GetInt32(), row.GetProperty("counts").GetProperty("unreadable").GetInt32()));
        });
        Assert.Equal(["random", "logmel-stats"], file.GetProperty("differences").EnumerateArray().Select(row => row.GetProperty("baseline").GetString()));
    }

    [Theory]
    [InlineData("random", "--size", "tiny"), InlineData("logmel-stats")]
    public void JudgesABaselineAlone(string baseline, params string[] more)
    {
        JsonElement file = Run([.. more, "--encoder", baseline, "--input", "80x48", "--task", tones.CsvPath, "--mode", "tuned", "--seeds", "1"]);
        Assert.All(file.GetProperty("results").EnumerateArray(), row => Assert.Equal(baseline, row.GetProperty("encoder").GetString()));
    }

    [Fact]
    public void AnAttentiveProbeIsFittedToEncodersWhereAskedFor()
    {
        string checkpoint = UntrainedCheckpoint.Write(Path.Combine(tones.Folder, "tiny.safetensors"), frames: 48);
        JsonElement file = Run(checkpoint, "--task", tones.CsvPath, "--mode", "tuned", "--seeds", "1", "--attentive");
        JsonElement[] attentive = [.. file.GetProperty("results").EnumerateArray().Where(row => row.GetProperty("evaluation").GetString() == "attentive")];
        Assert.Equal([checkpoint, "random"], attentive.Select(row => row.GetProperty("encoder").GetString()));
        Assert.All(attentive, row => Assert.Equal(100, row.GetProperty("value").GetDouble()));
    }

    [Fact]
    public void EveryLayerIsJudgedWhereAskedForAndTheLastOneIsTheEncoder()
    {
        string checkpoint = UntrainedCheckpoint.Write(Path.Combine(tones.Folder, "tiny.safetensors"), frames: 48);
        JsonElement file = Run(checkpoint, "--task", tones.CsvPath, "--mode", "tuned", "--seeds", "1", "--layers");
        JsonElement[] linear = [.. file.GetProperty("results").EnumerateArray().Where(row => row.GetProperty("evaluation").GetString() == "linear")];
        string[] names = [.. linear.Select(row => row.GetProperty("encoder").GetString()!)];
        Assert.Equal([checkpoint, .. Enumerable.Range(1, names.Length - 3).Select(layer => $"{checkpoint}, layer {layer}"), "random", "logmel-stats"], names);
        double[] knn = [.. file.GetProperty("results").EnumerateArray().Where(row => row.GetProperty("evaluation").GetString() == "knn").Select(row => row.GetProperty("value").GetDouble())];
        Assert.Equal(knn[0], knn[^3]);
    }

    [Fact]
    public void FewClipsAClassAreScoredWhereAskedFor()
    {
        JsonElement file = Run("--encoder", "logmel-stats", "--input", "80x48", "--task", tones.CsvPath, "--mode", "tuned", "--seeds", "1", "--shots", "1,5");
        JsonElement[] few = [.. file.GetProperty("results").EnumerateArray().Where(row => row.GetProperty("evaluation").GetString() == "prototype")];
        Assert.Equal(["1-shot", "5-shot"], few.Select(row => row.GetProperty("mode").GetString()));
        Assert.All(few, row => Assert.InRange(row.GetProperty("value").GetDouble(), 60, 100));
        Assert.All(few, row => Assert.Equal((200, 2), (row.GetProperty("episodes").GetInt32(), row.GetProperty("interval95_over_episodes").GetArrayLength())));
    }

    [Theory]
    [InlineData("evar"), InlineData("strict"), InlineData("tuned")]
    public void ClassesOfAFewClipsAreTakenAndNoted(string mode)
    {
        // 24 clips to train on, of which one is `once` and none `unseen`.
        JsonElement linear = Linear(mode, "file_name,label,split", i => $"{(i == 5 ? "once" : i == 27 ? "unseen" : ToneTask.Label(i))},{ToneTask.Split(i)}");
        Assert.Equal("accuracy", linear.GetProperty("metric").GetString());
        Assert.Contains("1 of 3 classes to test on have no clip to train on: their test clips can be told by chance alone", linear.GetProperty("notes").EnumerateArray().Select(note => note.GetString()));
    }

    [Theory]
    [InlineData("evar"), InlineData("strict"), InlineData("tuned")]
    public void SeveralLabelsAreScoredByAveragePrecision(string mode)
    {
        JsonElement linear = Linear(mode, "file_name,label,split", i => $"{ToneTask.Label(i)}{(i % 3 == 0 ? ";third" : "")},{ToneTask.Split(i)}");
        Assert.Equal("mAP", linear.GetProperty("metric").GetString());
        Assert.InRange(linear.GetProperty("value").GetDouble(), 20, 100);
        Assert.Equal(JsonValueKind.Null, linear.GetProperty("interval95_over_clips").ValueKind);
    }

    [Theory]
    [InlineData("evar"), InlineData("strict"), InlineData("tuned")]
    public void FoldsTestEveryClip(string mode)
    {
        JsonElement linear = Linear(mode, "file_name,label,split,fold", i => $"{ToneTask.Label(i)},train,{i / 2 % 4}");
        Assert.Equal(32, linear.GetProperty("counts").GetProperty("test").GetInt32());
        Assert.Equal(4, linear.GetProperty("runs")[0].GetProperty("settings").GetArrayLength());
    }

    [Theory]
    [InlineData("name the CHECKPOINT")]
    [InlineData("missing-run: no such file", "missing-run")]
    [InlineData("--seeds 1,x: 'x' is not a whole number", "run", "--seeds", "1,x")]
    [InlineData("a seed twice", "run", "--seeds", "1,1")]
    [InlineData("`device` cuda:99", "run", "--device", "cuda:99")]
    [InlineData("--shots 1,0: '0' is no number of clips", "run", "--shots", "1,0")]
    [InlineData("--attentive has no effect", "--encoder", "logmel-stats", "--attentive")]
    [InlineData("--layers has no effect", "--encoder", "random", "--layers")]
    [InlineData("unknown size 'huge'", "--encoder", "random", "--size", "huge")]
    [InlineData("--size has no effect", "run", "--size", "tiny")]
    [InlineData("--size has no effect", "--encoder", "logmel-stats", "--size", "tiny")]
    [InlineData("--heads has no effect: no CHECKPOINT is given", "--encoder", "random", "--heads", "3")]
    [InlineData("--sample-rate has no effect: no CHECKPOINT is given", "--encoder", "logmel-stats", "--sample-rate", "16000")]
    [InlineData("--seconds -1: give a number above 0 and up to 3600", "--encoder", "random", "--seconds", "-1")]
    public void SaysWhatIsWrong(string message, params string[] arguments)
    {
        var error = Assert.Throws<UserErrorException>(() => Run([.. arguments, "--task", tones.CsvPath]));
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void WithoutAPlaceForTheNumbersNoFileIsWritten()
    {
        string folder = Path.Combine(tones.Folder, "here");
        Directory.CreateDirectory(folder);
        AppResult result = AppProcess.RunProgram("dotnet", [AppProcess.App, .. Baseline], start => start.WorkingDirectory = folder);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("logmel-stats", result.Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Fact]
    public void OnlyAnEarlierProbesNumbersAreReplaced()
    {
        Run(Baseline);
        Run(Baseline);
        string output = Path.Combine(tones.Folder, "metrics.json");
        File.WriteAllText(output, """{"final_loss": 0.5}"""); // as a run's
        Assert.Contains("stays; name another", Assert.Throws<UserErrorException>(() => Run(Baseline)).Message);
        Assert.Equal("""{"final_loss": 0.5}""", File.ReadAllText(output));
    }

    public void Dispose() => tones.Dispose();

    private string[] Baseline => ["probe", "--encoder", "logmel-stats", "--input", "80x48", "--task", tones.CsvPath, "--mode", "tuned", "--seeds", "1"];

    /// <summary>The linear evaluation of log-mel statistics on the tones, marked in another way.</summary>
    private JsonElement Linear(string mode, string columns, Func<int, string> mark)
    {
        File.WriteAllLines(tones.CsvPath, Enumerable.Range(0, 32).Select(i => $"{i}.wav,{mark(i)}").Prepend(columns));
        return Run("--encoder", "logmel-stats", "--input", "80x48", "--task", tones.CsvPath, "--mode", mode, "--seeds", "1,2").GetProperty("results")[0];
    }

    private JsonElement Run(params string[] arguments)
    {
        string output = Path.Combine(tones.Folder, "metrics.json");
        Command command = ProbeCommand.Create();
        command.Parse([.. arguments.SkipWhile(word => word == "probe"), "--out", output]).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(output));
        return document.RootElement.Clone();
    }
}

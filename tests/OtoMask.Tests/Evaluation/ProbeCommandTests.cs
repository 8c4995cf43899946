using System.CommandLine;
using System.Text.Json;
using OtoMask.App.Commands;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Torch;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class ProbeCommandTests : IDisposable
{
    private readonly ToneTask tones = new();

    [Fact]
    public void JudgesACheckpointWithItsBaselinesBeside()
    {
        string checkpoint = WriteCheckpoint();
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
    [InlineData("random"), InlineData("logmel-stats")]
    public void JudgesABaselineAlone(string baseline)
    {
        JsonElement file = Run("--encoder", baseline, "--size", "tiny", "--input", "80x48", "--task", tones.CsvPath, "--mode", "tuned", "--seeds", "1");
        Assert.All(file.GetProperty("results").EnumerateArray(), row => Assert.Equal(baseline, row.GetProperty("encoder").GetString()));
    }

    [Theory]
    [InlineData("name the CHECKPOINT")]
    [InlineData("missing-run: no such file", "missing-run")]
    [InlineData("--seeds 1,x: 'x' is not a whole number", "run", "--seeds", "1,x")]
    [InlineData("a seed twice", "run", "--seeds", "1,1")]
    [InlineData("--device cuda:99", "run", "--device", "cuda:99")]
    [InlineData("unknown size 'huge'", "--encoder", "random", "--size", "huge")]
    [InlineData("a unit length of -1 s", "--encoder", "random", "--seconds", "-1")]
    public void SaysWhatIsWrong(string message, params string[] arguments)
    {
        var error = Assert.Throws<UserErrorException>(() => Run([.. arguments, "--task", tones.CsvPath]));
        Assert.Contains(message, error.Message);
    }

    public void Dispose() => tones.Dispose();

    private string WriteCheckpoint()
    {
        var config = new PretrainingConfig { Data = tones.Folder, Framework = Framework.MsmMae, Encoder = new(16, 2, 2), Decoder = new(8, 1, 1), Input = "80x48" };
        string path = Path.Combine(tones.Folder, "tiny.safetensors");
        using MaskedModel model = MaskedModel.Create(config.Framework, config.ModelShape, config.Seed, Device.Cpu);
        using var optimizer = new AdamW(model.Trained, weightDecay: 0);
        Checkpoint.Write(path, model, optimizer, new CheckpointState(
            CheckpointState.CurrentVersion, 0, 0, CheckpointState.ToDictionary(config), -7.1f, 4.2f, ManifestHash: ""));
        return path;
    }

    private JsonElement Run(params string[] arguments)
    {
        string output = Path.Combine(tones.Folder, "metrics.json");
        Command command = ProbeCommand.Create();
        command.Parse([.. arguments, "--out", output]).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(output));
        return document.RootElement.Clone();
    }
}

using System.Text.Json;
using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Fixtures;

/// <summary>Checkpoints of other programs through the real program: <c>import</c>, <c>probe</c>, <c>pretrain --from</c>.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks, Trait("Category", "Fixtures")]
public sealed class ImportFixtureTests : IDisposable
{
    private const string Published = "m2d_vit_base-80x96p16x16p16k-fixture";
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Published, "m2d, encoder 48/2/3, predictor 32/2/4", "--heads 3 --decoder-heads 4")]
    [InlineData("msm_mae.pth", "msm-mae, encoder 48/2/3, decoder 32/2/4", "--heads 3 --decoder-heads 4 --input 80x96")]
    [InlineData("checkpoints/full_with_args.pth", "m2d, encoder 48/2/3, predictor 32/2/1", "--heads 3")]
    [InlineData("checkpoints/legacy_nonzip.pth", "m2d, encoder 48/2/3", "--heads 3 --input 80x96 --patch 16x16")]
    [InlineData("checkpoints/encoder_only.pth", "encoder alone, encoder 48/2/3", "--heads 3 --input 80x96")]
    [InlineData("checkpoints/finetuned_prefix.pth", "encoder alone, encoder 48/2/3", "--heads 3 --input 80x96")]
    [InlineData("checkpoints/runtime_prefix.pth", "encoder alone, encoder 48/2/3", "--heads 3 --input 80x96")]
    [InlineData("checkpoints/half.pth", "encoder alone, encoder 48/2/3", "--heads 3 --input 80x96")]
    [InlineData("checkpoints/bfloat16.pth", "encoder alone, encoder 48/2/1", "--input 80x96")]
    public void Every_variant_becomes_a_run_that_encodes_as_its_file(string file, string told, string options)
    {
        string path = Fixture.Path(file), run = folder.Inside("imported");
        AppResult result = Import(path, run, options);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.Contains($"{run}: {told}", result.Output);
        Assert.Equal(!options.Contains("--heads"), result.Output.Contains("1 heads are taken for granted"));

        int? heads = options.Contains("--heads") ? 3 : null;
        SavedModel original = SavedModel.Open(path, new GeometryHints { Input = "80x96", Heads = heads }), imported = SavedModel.Open(run);
        Assert.Equal((original.Framework, original.Input, original.Encoder, original.LogMel, original.Normalisation), (imported.Framework, imported.Input, imported.Encoder, imported.LogMel, imported.Normalisation));
        using EncoderSnapshot expected = original.LoadEncoder(Device.Cpu), actual = imported.LoadEncoder(Device.Cpu);
        LogMel clip = Clip("3.3");
        Assert.Equal(expected.Encode(clip).Values, actual.Encode(clip).Values);
    }

    [Fact]
    public void The_published_folder_imported_encodes_as_the_reference()
    {
        string run = folder.Inside("imported");
        Assert.Equal(0, Import(Fixture.Path(Published), run, "--heads 3").ExitCode);
        using EncoderSnapshot encoder = SavedModel.Open(run).LoadEncoder(Device.Cpu);
        foreach (string seconds in (string[])["0.5", "0.96", "3.3"])
        {
            float[] expected = NpyFile.Read(Fixture.Path($"runtime_encode_{seconds}s.npy")).Values, actual = encoder.Encode(Clip(seconds)).Values;
            Assert.Equal(expected.Length, actual.Length);
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], 1e-3f);
        }
    }

    [Fact]
    public void A_foreign_file_its_import_and_a_run_begun_from_it_are_probed_alike()
    {
        string path = Fixture.Path("checkpoints/encoder_only.pth"), run = folder.Inside("imported"), further = folder.Inside("further");
        Assert.Equal(0, Import(path, run, "--heads 3 --input 80x96").ExitCode);
        folder.Audio();
        string task = folder.Text("task.csv", "file_name,label,split\n" + string.Concat(Enumerable.Range(0, 12)
            .Select(clip => $"audio/clip{clip:D2}.wav,{(clip % 2 == 0 ? "sweep" : "noise")},{(clip < 8 ? "train" : "test")}\n")));
        double foreign = Probe(task, path, "--heads", "3", "--input", "80x96");
        Assert.Equal(foreign, Probe(task, run));

        AppResult pretrained = AppProcess.Run("pretrain", "--from", run, "--data", folder.Inside("audio"), "--out", further,
            "--decoder", "16/1/2", "--framework", "m2d", "--batch", "4", "--epochs", "1", "--min-clips", "0", "--evaluate-every", "0", "--noise", folder.Inside("audio"));
        Assert.Equal((0, ""), (pretrained.ExitCode, pretrained.Error));
        Assert.Contains($"from {run}: encoder 48/2/3", pretrained.Output);
        Assert.Contains("anew: predictor 16/1/2, for", pretrained.Output);
        Assert.Contains("noise-ratio: 0.2", File.ReadAllText(Path.Combine(further, "config.yaml")));
        Assert.Equal(foreign, Probe(task, new RunFolder(further).CheckpointOf(0)));
    }

    [Fact]
    public void An_import_is_no_run_to_go_on_with()
    {
        string run = folder.Inside("imported");
        Import(Fixture.Path("m2d.pth"), run, "--input 80x96");
        AppResult resumed = AppProcess.Run("pretrain", "--resume", run);
        Assert.Equal(2, resumed.ExitCode);
        Assert.Contains($" holds weights without the state of a run (they were imported), so there is nothing to go on with; begin a run with them: otomask pretrain --from {run}", resumed.Error);
        Import(Fixture.Path("m2d.pth"), run, "--input 80x96").AssertUserError("holds a run already");
    }

    [Fact]
    public void Code_in_a_file_is_refused_by_the_name_of_what_it_wanted()
    {
        string run = folder.Inside("imported");
        AppResult result = Import(Fixture.Path("checkpoints/malicious.pth"), run, "--input 80x96");
        result.AssertUserError("malicious.pth: refused, nothing was run", "do not trust this file");
        Assert.Matches(@"it wants to run \w+(\.\w+)+,", result.Error);
        Assert.False(Directory.Exists(run));
    }

    [Theory]
    [InlineData("checkpoints/truncated.pth", "--input 80x96", "truncated.pth: not a readable PyTorch checkpoint")]
    [InlineData("checkpoints/encoder_only.pth", "", "give --input BANDSxFRAMES, with 80 mel bands --input 80x96")]
    [InlineData("checkpoints/encoder_only.pth", "--input 80x208", "65 patches, but it holds positions for 30")]
    [InlineData("checkpoints/full_with_args.pth", "--patch 8x16", "patches of 8x16, its weights are for 16x16")]
    [InlineData("checkpoints", "", "holds 9 files of weights")]
    [InlineData("frontend_wave0.npy", "", "does not start like a file of torch.save")]
    public void What_cannot_be_imported_leaves_nothing(string file, string options, string message)
    {
        string run = folder.Inside("imported");
        Import(Fixture.Path(file), run, options).AssertUserError(message);
        Assert.False(Directory.Exists(run));
    }

    private static LogMel Clip(string seconds)
    {
        float[] waveform = NpyFile.Read(Fixture.Path("frontend_wave1.npy")).Values;
        int samples = (int)Math.Round(double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture) * 16000);
        return new LogMelExtractor(LogMelSettings.Default).Compute(waveform.AsSpan(0, samples));
    }

    private double Probe(string task, string checkpoint, params string[] options)
    {
        string output = folder.Inside("metrics.json");
        AppResult result = AppProcess.Run(["probe", checkpoint, "--task", task, "--mode", "tuned", "--seeds", "1", "--out", output, .. options]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(output));
        return document.RootElement.GetProperty("results")[0].GetProperty("value").GetDouble();
    }

    private static AppResult Import(string path, string run, string options) =>
        AppProcess.Run(["import", path, "--out", run, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
}

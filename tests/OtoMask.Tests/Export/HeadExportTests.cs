using System.Text;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Onnx;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.FineTuning;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Evaluation;
using OtoMask.Tests.FineTuning;
using OtoMask.Tests.Interop;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Export;

/// <summary>Fine-tuned models go out with their heads, and say elsewhere what <c>otomask predict</c> says.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class HeadExportTests : IDisposable
{
    // Float32 on both sides, with sums in another order; 1e-3 is what is promised.
    private const float Tolerance = 1e-4f;
    private const int Rate = 16000, Unit = 47 * 160;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>One sample, less than a patch, almost a unit, a unit, one sample more, and several units, the last of them not full.</summary>
    [Theory]
    [InlineData(nameof(ClipFeature.PerBand), false, Unit)]
    [InlineData(nameof(ClipFeature.PerBand), true, Unit)]
    [InlineData(nameof(ClipFeature.Flat), false, Unit)]
    [InlineData(nameof(ClipFeature.Flat), true, 8000)] // 51 frames: the last patch of a unit is not full
    public void ONNX_gives_the_probabilities_of_predict_at_every_length(string seen, bool multiLabel, int unit)
    {
        ClipFeature feature = Enum.Parse<ClipFeature>(seen);
        string model = Samples.FineTuned(folder.File("best.safetensors"), feature, multiLabel, unit);
        AssertPredictsAlike(model, [.. new[] { 1, 300, unit - 100, unit, unit + 1, 2 * unit, 3 * unit + 2000 }.Select((samples, i) => Recording(AppFolder.Sound(i, 2)[..samples]))]);
    }

    /// <summary>Trained, if shortly, so that running statistics and weights are those of sounds.</summary>
    [Theory, Trait("Category", "Fixtures")]
    [InlineData(0.3, false)] // features flat
    [InlineData(0, true)]
    public void And_of_a_model_that_has_really_learnt_on_real_waveforms(double patchOut, bool multiLabel)
    {
        using var data = new FineTuningFolder();
        if (multiLabel)
            data.Mark("label,split", i => $"{ToneTask.Label(i)}{(i % 4 < 2 ? ";tone" : "")},{ToneTask.Split(i)}");
        (RunFolder run, _) = data.Train("run", data.Config with { PatchOut = patchOut });
        AssertPredictsAlike(run.Path, [
            data.Inside("0.wav"), data.Inside("1.wav"),
            .. new[] { "frontend_wave0", "frontend_wave1", "frontend_wave2", "frontend_wave_short" }.Select(name => Recording(NpyFile.Read(Fixture.Path($"{name}.npy")).Values)),
        ]);
        Assert.Equal(Weights(run.BestCheckpoint).Select(entry => entry.Name), Weights(run.LatestCheckpoint).Select(entry => entry.Name)); // without the optimiser's memory
    }

    [Fact]
    public void A_batch_is_its_clips_and_a_long_clip_the_mean_of_its_units()
    {
        using OnnxRun run = Export(Samples.FineTuned(folder.File("best.safetensors")));
        float[] first = AppFolder.Sound(0, 1)[..Unit], second = AppFolder.Sound(1, 1)[..Unit];
        (DenseTensor<float> logits, DenseTensor<float> probabilities) = run.Classify(first, second);
        (DenseTensor<float> longLogits, DenseTensor<float> longProbabilities) = run.Classify([[.. first, .. second]]);
        int classes = Samples.Classes.Length;
        Assert.Equal([2, classes], logits.Dimensions.ToArray());
        for (int c = 0; c < classes; c++)
        {
            Assert.Equal((logits[0, c] + logits[1, c]) / 2, longLogits[0, c], 1e-5);
            Assert.Equal((probabilities[0, c] + probabilities[1, c]) / 2, longProbabilities[0, c], 1e-5);
            double sum = Enumerable.Range(0, classes).Sum(other => Math.Exp(logits[1, other]));
            Assert.Equal(Math.Exp(logits[1, c]) / sum, probabilities[1, c], 1e-5);
        }
    }

    /// <summary>Of any length, whatever its units are.</summary>
    [Theory]
    [InlineData(3000), InlineData(Unit), InlineData(17_600)]
    public void Embeddings_are_those_of_the_encoder_as_without_a_head(int samples)
    {
        string model = Samples.FineTuned(folder.File("best.safetensors"), unitSamples: 5000);
        using EncoderSnapshot encoder = SavedModel.Open(model).LoadEncoder(Device.Cpu);
        using OnnxRun run = Export(model);
        OnnxExportTests.AssertAlike(encoder, [AppFolder.Sound(0, 1.2)[..samples], AppFolder.Sound(1, 1.2)[..samples]], run);
    }

    [Fact]
    public void Classes_alone_are_the_same_classes()
    {
        string model = Samples.FineTuned(folder.File("best.safetensors")), alone = folder.File("alone.onnx");
        using (ExportedModel exported = ExportedModel.Of(SavedModel.Open(model), encoderOnly: false, classesOnly: true))
            OnnxExport.Write(exported, alone);
        using var classes = new OnnxRun(alone, GraphOptimizationLevel.ORT_ENABLE_ALL);
        using OnnxRun whole = Export(model);
        Assert.Equal(["logits", "probabilities"], ModelProto.Parser.ParseFrom(File.ReadAllBytes(alone)).Graph.Output.Select(output => output.Name));
        float[] sound = AppFolder.Sound(1, 1);
        Assert.Equal(whole.Classify(sound).Probabilities.ToArray(), classes.Classify(sound).Probabilities.ToArray());
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void The_file_names_the_classes(bool multiLabel)
    {
        using OnnxRun run = Export(Samples.FineTuned(folder.File("best.safetensors"), ClipFeature.Flat, multiLabel));
        ModelProto model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(run.Path));
        Assert.Equal(["frames", "clip", "logits", "probabilities"], model.Graph.Output.Select(output => output.Name));
        Dictionary<string, string> metadata = model.MetadataProps.ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Equal(Samples.Classes, JsonSerializer.Deserialize<string[]>(metadata["classes"])!);
        Assert.Contains("大鼓", metadata["classes"]); // as it is, not escaped
        Assert.Equal((multiLabel ? "true" : "false", "flat", $"{Unit}", "80x48"), (metadata["multi_label"], metadata["clip_feature"], metadata["unit_samples"], metadata["input_size"]));
        Assert.All(model.Graph.Initializer, weight => Assert.Contains(model.Graph.Node, node => node.Input.Contains(weight.Name)));
    }

    [PythonTheory("onnx")]
    [InlineData(nameof(ClipFeature.PerBand), false)]
    [InlineData(nameof(ClipFeature.Flat), true)]
    public void The_checker_of_ONNX_is_content(string seen, bool multiLabel)
    {
        ClipFeature feature = Enum.Parse<ClipFeature>(seen);
        string path = folder.File("model.onnx");
        Write("onnx", Samples.FineTuned(folder.File("best.safetensors"), feature, multiLabel), path);
        OnnxChecker.AssertContent(path, "frames ['batch', 'steps', 160]", "clip ['batch', 160]", "logits ['batch', 3]", "probabilities ['batch', 3]");
    }

    /// <summary>The head of EVAR, filled from the state dict by its names, on our features.</summary>
    [PythonTheory("torch")]
    [InlineData(nameof(ClipFeature.PerBand), "per_band")]
    [InlineData(nameof(ClipFeature.Flat), "flat")]
    public void PyTorch_builds_the_head_and_gets_our_logits(string seen, string name)
    {
        ClipFeature feature = Enum.Parse<ClipFeature>(seen);
        const string Script = """
            import json, numpy, os, sys, torch
            folder = os.path.dirname(sys.argv[1])
            for options in ({}, {"weights_only": True}):
                checkpoint = torch.load(sys.argv[1], map_location="cpu", **options)
                state, args = checkpoint["model"], checkpoint["args"]
                classes, width = state["head.mlp.mlp.0.weight"].shape
                head = torch.nn.Sequential(torch.nn.BatchNorm1d(width, affine=False), torch.nn.Linear(width, classes)).eval()
                head[0].load_state_dict({key: state["head.norm." + key] for key in ("running_mean", "running_var")})
                head[1].load_state_dict({key: state["head.mlp.mlp.0." + key] for key in ("weight", "bias")})
                features = torch.from_numpy(numpy.load(os.path.join(folder, "features.npy")))
                if args["clip_feature"] == "flat":
                    features = features.reshape(len(features), -1, args["embed_dim"]).mean(1)
                print(json.dumps([args["classes"], args["multi_label"], args["clip_feature"], args["unit_samples"]]))
                print(json.dumps(head(features).flatten().tolist()))
            """;
        string model = Samples.FineTuned(folder.File("best.safetensors"), feature), path = folder.File("model.pth");
        Write("pth", model, path);
        FineTunedCheckpoint checkpoint = FineTunedCheckpoint.Read(model);
        var extractor = new LogMelExtractor(LogMelSettings.Default);
        LogMel[] clips = [.. Enumerable.Range(0, 3).Select(i => extractor.Compute(AppFolder.Sound(i, 1)[..Unit]))];
        using EncoderSnapshot encoder = SavedModel.Open(path).LoadEncoder(Device.Cpu);
        var features = new float[clips.Length * encoder.EmbeddingWidth];
        foreach ((int i, FrameEmbeddings frames) in encoder.Encode(clips).Index())
            frames.MeanOverTime(features.AsSpan(i * encoder.EmbeddingWidth, encoder.EmbeddingWidth));
        NpyFile.Write(folder.File("features.npy"), features, clips.Length, encoder.EmbeddingWidth);
        using Classifier classifier = checkpoint.LoadModel(Device.Cpu);
        float[] expected = new ClipScorer(classifier, checkpoint.Input).Logits(clips);

        AppResult python = PythonTheoryAttribute.Run(Script, path);
        Assert.Equal((0, ""), (python.ExitCode, python.Error));
        string[] lines = python.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((4, lines[0], lines[1]), (lines.Length, lines[2], lines[3]));
        JsonElement arguments = JsonSerializer.Deserialize<JsonElement>(lines[0]);
        Assert.Equal(Samples.Classes, arguments[0].Deserialize<string[]>()!);
        Assert.Equal((false, name, Unit), (arguments[1].GetBoolean(), arguments[2].GetString(), arguments[3].GetInt32()));
        Assert.InRange(OnnxExportTests.Deviation(expected, JsonSerializer.Deserialize<float[]>(lines[1])), 0, Tolerance);
    }

    [Theory]
    [InlineData(nameof(ClipFeature.PerBand), false)]
    [InlineData(nameof(ClipFeature.Flat), true)]
    public void Safetensors_predict_and_are_exported_again(string seen, bool multiLabel)
    {
        ClipFeature feature = Enum.Parse<ClipFeature>(seen);
        string model = Samples.FineTuned(folder.File("best.safetensors"), feature, multiLabel), exported = folder.File("exported.safetensors"), again = folder.File("again.safetensors");
        Write("safetensors", model, exported);
        Write("safetensors", exported, again);
        Assert.Equal(File.ReadAllBytes(exported), File.ReadAllBytes(again));
        Assert.DoesNotContain("somebody", Encoding.UTF8.GetString(File.ReadAllBytes(exported))); // whose folders are nobody's business
        Assert.Equal(7, FineTunedCheckpoint.Read(exported).State.ParsedConfig.Epochs);
        string recording = Recording(AppFolder.Sound(1, 1));
        Assert.Equal(Predict(model, [recording])[0].Probabilities, Predict(exported, [recording])[0].Probabilities);
    }

    [Fact]
    public void The_encoder_alone_has_no_head_and_a_head_without_classes_is_not_lost_silently()
    {
        string model = Samples.FineTuned(folder.File("best.safetensors")), pth = folder.File("m2d-80x48p16x8p16k.pth");
        Assert.DoesNotContain(Weights(model, encoderOnly: true), entry => entry.Name.StartsWith("head.", StringComparison.Ordinal));
        Write("pth", model, pth);
        Assert.Contains("does not say its classes", Assert.Throws<UserErrorException>(() => Weights(pth)).Message);
        Assert.Equal(Weights(model, encoderOnly: true).Select(entry => entry.Name), Weights(pth, encoderOnly: true).Select(entry => entry.Name));
    }

    [Theory]
    [InlineData("num_heads", "4", "8")]
    [InlineData("sample_rate", "16000", "32000")]
    [InlineData("otomask.finetuned", "\"Mean\":-6.41", "\"Mean\":-6.42")]
    [InlineData("otomask.finetuned", "\"Feature\":\"PerBand\"", "\"Feature\":\"Flat\"")]
    [InlineData("otomask.finetuned", "\"UnitSamples\":7520", "\"UnitSamples\":75200")]
    [InlineData("otomask.finetuned", "[\"bell\",", "[\"bell\",\"gong\",")]
    public void A_head_that_does_not_fit_its_encoder_is_refused(string key, string truth, string lie)
    {
        string model = Samples.FineTuned(folder.File("best.safetensors"));
        SafetensorsContent content = SafetensorsFile.Read(model);
        Assert.Contains(truth, content.Metadata[key]);
        SafetensorsFile.Write(model, content.Tensors, new Dictionary<string, string>(content.Metadata) { [key] = content.Metadata[key].Replace(truth, lie) });
        Assert.DoesNotContain('\n', Assert.Throws<UserErrorException>(() => Weights(model)).Message);
    }

    [Fact]
    public void The_program_exports_a_run_with_its_head_and_predicts_with_what_it_exported()
    {
        Directory.CreateDirectory(folder.File("run/checkpoints"));
        string run = folder.File("run"), onnx = folder.File("x.onnx"), pth = folder.File("x.pth"), safetensors = folder.File("x.safetensors"), recording = Recording(AppFolder.Sound(3, 1));
        Samples.FineTuned(folder.File("run/checkpoints/best.safetensors"));
        const string Head = "head: 3 classes, one a clip, learnt from clips of 0.47 s; their names are in the file";
        string told = Ok("export", run, "--format", "onnx", "--out", onnx);
        Assert.Contains("  out: frames [batch, steps, 160], clip [batch, 160], logits [batch, 3], probabilities [batch, 3]\n", told);
        Assert.Contains(Head, told);
        Assert.Contains("cut in units of 0.47 s", told);
        Assert.Contains("  out: logits [batch, 3], probabilities [batch, 3]\n", Ok("export", run, "--format", "onnx", "--out", onnx, "--classes-only"));
        Assert.Contains(Head, Ok("export", run, "--format", "pth", "--out", pth));
        Assert.Contains(Head, Ok("export", run, "--format", "safetensors", "--out", safetensors));
        Assert.Equal(Ok("predict", run, recording), Ok("predict", safetensors, recording));
        AppProcess.Run("predict", onnx, recording).AssertUserError("x.onnx is for other programs", "give a folder that `otomask finetune --out` wrote");

        Assert.DoesNotContain("head:", Ok("export", run, "--format", "safetensors", "--out", safetensors, "--encoder-only"));
        AppProcess.Run("predict", safetensors, recording).AssertUserError("is no fine-tuned model");
        AppProcess.Run("export", safetensors, "--format", "onnx", "--out", onnx, "--classes-only").AssertUserError("has no head to tell classes with");
        AppProcess.Run("export", run, "--format", "pth", "--classes-only").AssertUserError("--classes-only is for --format onnx");
    }

    /// <summary>ONNX Runtime on each recording, a call each, beside the house's predictor.</summary>
    private void AssertPredictsAlike(string model, string[] recordings)
    {
        using OnnxRun run = Export(model);
        IReadOnlyList<Prediction> expected = Predict(model, recordings);
        Assert.Equal(recordings, expected.Select(prediction => prediction.Path));
        foreach (Prediction prediction in expected)
        {
            (_, DenseTensor<float> probabilities) = run.Classify([AudioFile.ReadMono(prediction.Path, Rate)]);
            Assert.Equal([1, prediction.Probabilities.Count], probabilities.Dimensions.ToArray());
            Assert.InRange(OnnxExportTests.Deviation([.. prediction.Probabilities.Select(probability => (float)probability)], probabilities.Buffer.Span), 0, Tolerance);
        }
        Assert.InRange(expected.Max(prediction => prediction.Probabilities[0]) - expected.Min(prediction => prediction.Probabilities[0]), 0.01, 1); // they are not all alike
    }

    private static IReadOnlyList<Prediction> Predict(string model, string[] recordings)
    {
        using var predictor = Predictor.Open(model, Device.Cpu);
        return [.. predictor.Predict(recordings, new BadFiles())];
    }

    private string Recording(float[] samples)
    {
        string path = folder.File($"{Guid.NewGuid()}.wav");
        AudioFile.WriteWav(path, samples, Rate);
        return path;
    }

    private OnnxRun Export(string model)
    {
        string path = folder.File("model.onnx");
        Write("onnx", model, path);
        return new OnnxRun(path, GraphOptimizationLevel.ORT_ENABLE_ALL);
    }

    private static void Write(string format, string model, string path)
    {
        using ExportedModel exported = ExportedModel.Of(SavedModel.Open(model), encoderOnly: false);
        KnownExports.Find(format).Write(exported, path);
    }

    private static SafetensorsEntry[] Weights(string model, bool encoderOnly = false)
    {
        using ExportedModel exported = ExportedModel.Of(SavedModel.Open(model), encoderOnly);
        return [.. exported.Weights];
    }

    private static string Ok(params string[] arguments)
    {
        AppResult result = AppProcess.Run(arguments);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result.Output;
    }
}

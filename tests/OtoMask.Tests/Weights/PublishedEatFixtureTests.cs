using Microsoft.ML.OnnxRuntime;
using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Export;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.App;
using OtoMask.Tests.Export;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Weights;

/// <summary>EAT's published checkpoint against the reference implementation (fixtures README of eat, rows eatpub_*): post-norm, patches time by frequency.</summary>
[Trait("Category", "Fixtures")]
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class PublishedEatFixtureTests
{
    private const int Frames = 96, Bands = 128, Patch = 16, Rows = Bands / Patch, Columns = Frames / Patch, Clones = 4;

    private static string Path => Fixture.InFolder("eat", "eat_published.pth");

    [Fact]
    public void It_opens_as_a_whole_model_of_a_post_norm_encoder()
    {
        SavedModel saved = SavedModel.Open(Path);
        Assert.Equal((KnownFrameworks.Eat, "48/3/3/post-norm", "32/2/16", "128x256"), (saved.Framework, saved.Encoder.ToString(), saved.Decoder!.ToString(), saved.Input.InputText));
        Assert.Equal(3, SavedModel.Open(Path, new GeometryHints { Heads = 3 }).Encoder.Heads);
        Assert.Contains("512", Assert.Throws<UserErrorException>(() => SavedModel.Open(Path, new GeometryHints { Input = "128x512" })).Message);
    }

    [Fact]
    public void Encoding_the_whole_clip_agrees()
    {
        using var scope = new TensorScope();
        using MaskedModel model = Model;
        Tensor whole = Whole();
        Tensor ids = Tensor.Range(Device.Cpu, Rows * Columns).View(1, Rows * Columns).Expand(whole.Shape[0], Rows * Columns);
        float[] encoded = model.Frozen.Encode(whole, ids).ToArray<float>(), every = model.Frozen.EncodeEveryLayer(whole, ids)[^1].ToArray<float>();
        Assert.Equal(encoded, every);
        NpyArray expected = Npy("encode_all");
        Agree("encode_all", InTheirOrder(encoded, first: 1), 1e-5);
        Assert.Equal(expected.Shape[2], model.Shape.Encoder.Width);
    }

    [Fact]
    public void The_whole_objective_agrees()
    {
        using var scope = new TensorScope();
        using var model = (Eat)Model;
        model.UtteranceWeight = 8; // 2 clips of 4 clones
        (Tensor visible, Tensor masked) = (Ids("ids_visible"), Ids("ids_masked"));
        NpyArray noise = Npy("mask_noise");
        Tensor whole = Whole();
        var batch = new PatchBatch((whole, whole), visible, masked, Tensor.From(noise.Values, masked.Shape[0], masked.Shape[1], 48));
        Tensor targets = Eat.Targets(model.TeacherMlps(batch.Whole));
        Agree("targets", InTheirOrder(targets.ToArray<float>(), first: 0), 1e-5);
        Agree("utterance_target", Eat.UtteranceTargets(targets).ToArray<float>(), 1e-5);
        Agree("pred", model.Predict(model.Student(batch), batch).Detach().ToArray<float>(), 1e-5);
        Losses losses = model.Loss(batch);
        foreach ((string name, Tensor value) in losses.Parts.Prepend(("total", losses.Total)))
            Assert.Equal(Npy($"loss_{name}").Values[0], value.Item(), 5e-6 * Npy($"loss_{name}").Values[0]);
        losses.Total.Backward();
        Parameter Of(string name) => model.Trained.Parameters.Single(parameter => parameter.Name == name);
        Agree("grad_cls_token", Of("cls_token").Value.Gradient!.ToArray<float>(), 1e-5);
        Agree("grad_decoder.blocks.0.0.weight", Of("decoder.blocks.0.0.weight").Value.Gradient!.Transpose(2, 3).Contiguous().ToArray<float>(), 1e-5);
        double norm = Npy("gradnorm").Values[0];
        Assert.Equal(norm, model.Trained.Gradients.Norm().Item(), 1e-5 * norm);
    }

    [Fact]
    public void Imported_it_encodes_as_its_file_and_its_ONNX_graph_as_it()
    {
        using var folder = new AppFolder();
        string run = folder.Inside("imported"), graph = folder.Inside("encoder.onnx");
        AppResult result = AppProcess.Run("import", Path, "--input", "128x96", "--out", run);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("eat, encoder 48/3/3/post-norm, decoder 32/2/16, input 128x96", result.Output);
        Assert.Contains("Kaldi", result.Output + result.Error);
        using EncoderSnapshot expected = SavedModel.Open(Path, new GeometryHints { Input = "128x96" }).LoadEncoder(Device.Cpu);
        SavedModel imported = SavedModel.Open(run);
        using ExportedModel exported = ExportedModel.Of(imported, encoderOnly: true);
        float[][] waveforms = [AppFolder.Sound(1, 1.3), AppFolder.Sound(2, 1.3)];
        var extractor = new LogMelExtractor(imported.LogMel);
        foreach (float[] waveform in waveforms)
            Assert.Equal(expected.Encode(extractor.Compute(waveform)).Values, exported.Encoder.Encode(extractor.Compute(waveform)).Values);
        OnnxExport.Write(exported, graph);
        using var onnx = new OnnxRun(graph, GraphOptimizationLevel.ORT_ENABLE_ALL);
        OnnxExportTests.AssertAlike(expected, waveforms, onnx);
    }

    /// <summary>Without the teacher, or with another decoder, its encoder is taken alone; of something else under these names a line says what is wrong.</summary>
    [Theory]
    [InlineData("_ema.", null)]
    [InlineData("_ema.blocks.1", "target_blocks")]
    [InlineData("modality_encoders.IMAGE.decoder.", null)]
    [InlineData("modality_encoders.IMAGE.extra_tokens", "cls_token")]
    [InlineData("blocks.1.", "blocks")]
    public void What_is_missing_is_said_or_the_encoder_is_taken_alone(string missing, string? refusal)
    {
        Dictionary<string, HostTensor> all = PyTorchCheckpoint.Read(Path).Tensors.Where(pair => !pair.Key.StartsWith(missing, StringComparison.Ordinal)).ToDictionary();
        using var folder = new AppFolder();
        string path = folder.Inside("eat.pth");
        PyTorchCheckpoint.Write(path, new Dictionary<string, object?>
        {
            ["model"] = all.ToDictionary(pair => pair.Key, object? (pair) => SafetensorsEntry.Of(pair.Key, pair.Value)),
        });
        if (refusal is null)
        {
            using EncoderSnapshot encoder = SavedModel.Open(path).LoadEncoder(Device.Cpu);
            Assert.Null(SavedModel.Open(path).Framework);
            return;
        }
        Assert.Contains(refusal, Assert.Throws<UserErrorException>(() => SavedModel.Open(path).LoadModel(Device.Cpu)).Message);
    }

    private static MaskedModel Model => SavedModel.Open(Path, new GeometryHints { Input = $"{Bands}x{Frames}" }).LoadModel(Device.Cpu);

    /// <summary>[B, 1, frames, bands] -> our patches, [B, L, P].</summary>
    private static Tensor Whole()
    {
        NpyArray input = Npy("input");
        int clips = input.Shape[0], size = Frames * Bands;
        float[] turned = new float[input.Values.Length], patches = new float[input.Values.Length];
        for (int i = 0; i < turned.Length; i++)
            turned[i / size * size + i % Bands * Frames + i % size / Bands] = input.Values[i];
        for (int clip = 0; clip < clips; clip++)
            PatchCutter.Cut(turned.AsSpan(clip * size, size), Bands, Frames, Patch, Patch, patches.AsSpan(clip * size, size));
        return Tensor.From(patches, clips, Rows * Columns, Patch * Patch);
    }

    /// <summary>Their ids t * Nf + f as ours, f * Nt + t: [B, K, n] -> [B * K, n].</summary>
    private static Tensor Ids(string name)
    {
        NpyIntegerArray ids = NpyFile.ReadInt64(Fixture.InFolder("eat", $"eatpub_{name}.npy"));
        return Tensor.From(ids.Values.Select(id => id % Rows * Columns + id / Rows).ToArray(), ids.Shape[0] * Clones, ids.Shape[2]);
    }

    /// <summary>[B, first + L, D] of our order of patches in theirs.</summary>
    private static float[] InTheirOrder(float[] values, int first)
    {
        const int Width = 48, Count = Rows * Columns;
        var theirs = new float[values.Length];
        for (int token = 0; token < values.Length / Width; token++)
        {
            int clip = token / (first + Count), id = token % (first + Count) - first;
            int place = id < 0 ? id : id % Columns * Rows + id / Columns;
            values.AsSpan(token * Width, Width).CopyTo(theirs.AsSpan((clip * (first + Count) + first + place) * Width, Width));
        }
        return theirs;
    }

    private static NpyArray Npy(string name) => NpyFile.Read(Fixture.InFolder("eat", $"eatpub_{name}.npy"));

    private static void Agree(string name, float[] actual, double tolerance) => Fixture.AssertAgrees(name, Npy(name).Values, actual, tolerance);
}

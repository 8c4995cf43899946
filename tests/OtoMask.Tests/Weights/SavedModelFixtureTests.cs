using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.Devices;
using OtoMask.Tests.Interop;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Fixtures;

/// <summary>Models of the field, as other programs left them, from their path to what they make of sound.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks, Trait("Category", "Fixtures")]
public class SavedModelFixtureTests
{
    private const string Published = "m2d_vit_base-80x96p16x16p16k-fixture";
    private static readonly GeometryHints ThreeHeads = new() { Heads = 3 }, AllSaid = new() { Input = "80x96", Heads = 3, DecoderHeads = 4 };

    [Theory]
    [InlineData("0.5", Published, "cpu"), InlineData("0.96", Published, "cpu"), InlineData("3.3", Published, "cpu")]
    [InlineData("3.3", Published + "/checkpoint-7.pth", "cpu"), InlineData("3.3", Published, TestDevice.Another)]
    public void PublishedModelsEncodeAsTheReference(string seconds, string path, string where)
    {
        using EncoderSnapshot encoder = SavedModel.Open(Fixture.Path(path), ThreeHeads).LoadEncoder(TestDevice.Named(where));
        AssertSame(NpyFile.Read(Fixture.Path($"runtime_encode_{seconds}s.npy")).Values, Encode(encoder, seconds), 1e-3);
    }

    [Theory]
    [InlineData("full_with_args", 1e-6), InlineData("legacy_nonzip", 1e-6)]
    [InlineData("encoder_only", 1e-6), InlineData("finetuned_prefix", 1e-6), InlineData("runtime_prefix", 1e-6)]
    [InlineData("half", 1e-2), InlineData("bfloat16", 1e-1)]
    public void EveryVariantOfAFileEncodesAlike(string variant, double tolerance)
    {
        using EncoderSnapshot expected = SavedModel.Open(Fixture.Path("m2d.pth"), AllSaid).LoadEncoder(Device.Cpu);
        using EncoderSnapshot actual = SavedModel.Open(Fixture.Path($"checkpoints/{variant}.pth"), AllSaid).LoadEncoder(Device.Cpu);
        AssertSame(Encode(expected, "3.3"), Encode(actual, "3.3"), tolerance);
    }

    [Theory]
    [InlineData("m2d.pth", "m2d")]
    [InlineData("msm_mae.pth", "msm-mae")]
    [InlineData("checkpoints/full_with_args.pth", "m2d")]
    [InlineData("checkpoints/encoder_only.pth", null)]
    [InlineData("checkpoints/runtime_prefix.pth", null)]
    public void AFileTellsWhatItWasPretrainedAs(string file, string? framework)
    {
        SavedModel model = SavedModel.Open(Fixture.Path(file), AllSaid);
        Assert.Equal(framework, model.Framework?.Name);
        Assert.Equal(new BlockShape(48, 2, 3), model.Encoder);
        Assert.Equal(framework is null ? null : new BlockShape(32, 2, 4), model.Decoder);
        if (framework is null)
        {
            Assert.Contains("PretrainingConfig.From", Assert.Throws<UserErrorException>(() => model.LoadModel(Device.Cpu)).Message);
            return;
        }
        using MaskedModel whole = model.LoadModel(Device.Cpu);
        Assert.All(whole.Parameters, parameter => Assert.Equal(model.Tensors[parameter.Name].ToFloats(), parameter.Value.ToArray<float>()));
    }

    [Fact]
    public void TheInputComesFromTheStoredArguments()
    {
        SavedModel model = SavedModel.Open(Fixture.Path("checkpoints/full_with_args.pth"));
        Assert.Equal("80x96p16x16", model.Input.ToString());
        Assert.Equal(1, model.Encoder.Heads); // width 48 / 64, at least 1
        Assert.Contains(model.Notes, note => note.Contains("`Heads`"));
    }

    [Theory]
    [InlineData("checkpoints/encoder_only.pth", null, null, null, "its input is not known, for neither it nor its name says so; give `Input` BANDSxFRAMES, with 80 mel bands `Input` 80x96")]
    [InlineData("checkpoints/encoder_only.pth", "80x192", null, null, "`GeometryHints` says an input of 80x192, which is 60 patches, but it holds positions for 30; give the `Input` it was trained with, with 80 mel bands `Input` 80x96")]
    [InlineData("checkpoints/encoder_only.pth", "80x90", null, null, "`GeometryHints` cannot be true: ")]
    [InlineData("checkpoints/encoder_only.pth", "80", null, null, "input '80' is not of the form NUMBERxNUMBER")]
    [InlineData("checkpoints/encoder_only.pth", "80x96", "8x16", null, "`GeometryHints` says patches of 8x16, its weights are for 16x16; give `Patch` 16x16")]
    [InlineData(Published, null, null, 5, "5 heads do not divide a width of 48")]
    [InlineData("checkpoints/malicious.pth", "80x96", null, 3, "refused, nothing was run: it wants to run ")]
    [InlineData("checkpoints/truncated.pth", "80x96", null, 3, "not a readable PyTorch checkpoint")]
    [InlineData("checkpoints", "80x96", null, null, "holds 9 files of weights; name one of them")]
    [InlineData("manifest.json", null, null, null, "not a readable PyTorch checkpoint: it does not start like a file of torch.save")]
    public void SaysWhatToGive(string file, string? input, string? patch, int? heads, string message)
    {
        string path = Fixture.Path(file);
        var error = Assert.Throws<UserErrorException>(() => SavedModel.Open(path, new GeometryHints { Input = input, Patch = patch, Heads = heads }));
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void SafetensorsOfTheFieldAreRead()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("m2d-80x96p16x16.safetensors");
        SavedModel original = SavedModel.Open(Fixture.Path("m2d.pth"), AllSaid);
        SafetensorsFile.Write(path, original.Tensors);
        SavedModel read = SavedModel.Open(path, ThreeHeads);
        Assert.Equal((original.Input, original.Encoder, original.Framework, original.Normalisation), (read.Input, read.Encoder, read.Framework, read.Normalisation));
        using EncoderSnapshot expected = original.LoadEncoder(Device.Cpu), actual = read.LoadEncoder(Device.Cpu);
        Assert.Equal(Encode(expected, "0.96"), Encode(actual, "0.96"));
    }

    [Fact]
    public void AModelLargerThanItsWeightsIsRefused()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("80x32p1x1.safetensors");
        SafetensorsFile.Write(path, new Dictionary<string, HostTensor>
        {
            ["patch_embed.proj.weight"] = HostTensor.FromFloats(new float[1 << 14], 1 << 14, 1, 1, 1),
            ["blocks.0.norm1.weight"] = HostTensor.FromFloats([1], 1),
        });
        Assert.Contains("claims to be a larger model than its weights make", Assert.Throws<UserErrorException>(() => SavedModel.Open(path)).Message);
    }

    private static float[] Encode(EncoderSnapshot encoder, string seconds)
    {
        float[] waveform = NpyFile.Read(Fixture.Path("frontend_wave1.npy")).Values;
        int samples = (int)Math.Round(double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture) * 16000);
        return encoder.Encode(new LogMelExtractor(encoder.LogMel).Compute(waveform.AsSpan(0, samples))).Values;
    }

    private static void AssertSame(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Math.Max(1, expected.Max(MathF.Abs));
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(Math.Abs(expected[i] - actual[i]), 0, tolerance * scale);
    }
}

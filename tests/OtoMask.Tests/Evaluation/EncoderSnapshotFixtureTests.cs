using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Tests.Devices;
using OtoMask.Weights;

namespace OtoMask.Tests.Fixtures.Evaluation;

/// <summary>Whole clips, waveform to frame embeddings, as the reference implementation encodes them.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks, Trait("Category", "Fixtures")]
public class EncoderSnapshotFixtureTests
{
    private const float Tolerance = 1e-3f;

    [Theory]
    [InlineData("0.5", "cpu"), InlineData("0.96", "cpu"), InlineData("3.3", "cpu")]
    [InlineData("0.5", TestDevice.Another), InlineData("0.96", TestDevice.Another), InlineData("3.3", TestDevice.Another)]
    public void EncodesAsTheReference(string seconds, string where)
    {
        string path = OtoMask.Tests.Fixture.Path("m2d_vit_base-80x96p16x16p16k-fixture/checkpoint-7.pth");
        var tensors = PyTorchCheckpoint.Read(path).Tensors;
        var shape = new ModelShape(new InputGeometry(80, 96, 16, 16), new(48, 2, 3), new(32, 2, 4));
        using MaskedModel model = KnownFrameworks.M2d.CreateModel(shape, 0, TestDevice.Named(where));
        ModelWeights.Load(model, tensors, path);
        float[] statistics = new float[2];
        Buffer.BlockCopy(tensors["norm_stats"].Data, 0, statistics, 0, 2 * sizeof(float));
        var encoder = new EncoderSnapshot(model.Frozen, new NormalisationStatistics(statistics[0], statistics[1]), LogMelSettings.Default);

        float[] waveform = NpyFile.Read(OtoMask.Tests.Fixture.Path("frontend_wave1.npy")).Values;
        int samples = (int)Math.Round(double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture) * 16000);
        FrameEmbeddings encoded = encoder.Encode(new LogMelExtractor(LogMelSettings.Default).Compute(waveform.AsSpan(0, samples)));

        NpyArray expected = NpyFile.Read(OtoMask.Tests.Fixture.Path($"runtime_encode_{seconds}s.npy"));
        Assert.Equal((expected.Shape[0], expected.Shape[1]), (encoded.Frames, encoded.Width));
        for (int i = 0; i < expected.Values.Length; i++)
            Assert.Equal(expected.Values[i], encoded.Values[i], Tolerance);
    }

    [Theory]
    [InlineData("m2d", "m2d", EncoderLayers.Last, "cpu"), InlineData("m2d", "m2d", EncoderLayers.All, "cpu")]
    [InlineData("msm-mae", "msm_mae", EncoderLayers.Last, "cpu"), InlineData("msm-mae", "msm_mae", EncoderLayers.All, "cpu")]
    [InlineData("m2d", "m2d", EncoderLayers.Last, TestDevice.Another), InlineData("msm-mae", "msm_mae", EncoderLayers.All, TestDevice.Another)]
    public void EncodesNormalisedInputsAsTheReference(string frameworkName, string name, EncoderLayers layers, string where)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        string path = OtoMask.Tests.Fixture.Path($"{name}.pth");
        var shape = new ModelShape(new InputGeometry(80, 96, 16, 16), new(48, 2, 3), new(32, 2, 4));
        using MaskedModel model = framework.CreateModel(shape, 0, TestDevice.Named(where));
        ModelWeights.Load(model, PyTorchCheckpoint.Read(path).Tensors, path);
        var encoder = new EncoderSnapshot(model.Frozen, new NormalisationStatistics(0, 1), LogMelSettings.Default);

        NpyArray input = NpyFile.Read(OtoMask.Tests.Fixture.Path($"{name}_input.npy")), expected = NpyFile.Read(OtoMask.Tests.Fixture.Path($"{name}_encode_all.npy"));
        LogMel[] clips = [.. input.Values.Chunk(80 * 96).Select(values => new LogMel(80, 96, values))];
        IReadOnlyList<FrameEmbeddings> encoded = encoder.Encode(clips, layers);
        Assert.Equal([clips.Length, 1 + 30, 48], expected.Shape);
        for (int clip = 0; clip < clips.Length; clip++)
        {
            for (int patch = 0; patch < 30; patch++)
            {
                int frame = patch % 6, row = patch / 6, lastLayer = encoded[clip].Width - encoder.EmbeddingWidth;
                for (int d = 0; d < 48; d++)
                    Assert.Equal(expected.Values[(clip * 31 + 1 + patch) * 48 + d], encoded[clip].Values[frame * encoded[clip].Width + lastLayer + row * 48 + d], 1e-4f);
            }
        }
    }
}

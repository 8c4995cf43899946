using OtoMask.Interop;

namespace OtoMask.Tests.Fixtures;

[Trait("Category", "Fixtures")]
public class PyTorchCheckpointFixtureTests
{
    private static readonly string[] Prefixes = ["module.ar.runtime.backbone.", "backbone."];

    [Theory]
    [InlineData("full_with_args")]
    [InlineData("legacy_nonzip")]
    public void WholeModelsHoldTheTensorsOfTheReference(string file)
    {
        IReadOnlyDictionary<string, HostTensor> tensors = Read($"checkpoints/{file}.pth").Tensors;
        IReadOnlyDictionary<string, HostTensor> expected = Read("m2d.pth").Tensors;

        Assert.Equal(expected.Keys, tensors.Keys);
        Assert.All(tensors, pair => AssertSame(expected[pair.Key], pair.Value, tolerance: 0));
    }

    [Theory]
    [InlineData("encoder_only", "F32", 0)]
    [InlineData("finetuned_prefix", "F32", 0)]
    [InlineData("runtime_prefix", "F32", 0)]
    [InlineData("half", "F16", 2e-3)]
    [InlineData("bfloat16", "BF16", 1.5e-2)]
    public void EncodersHoldTheEncoderOfTheReference(string file, string dtype, double tolerance)
    {
        IReadOnlyDictionary<string, HostTensor> tensors = Read($"checkpoints/{file}.pth").Tensors;
        IReadOnlyDictionary<string, HostTensor> expected = Read("m2d.pth").Tensors;

        Assert.Equal(31, tensors.Count);
        Assert.All(tensors, pair =>
        {
            Assert.Equal(dtype, pair.Value.DType);
            AssertSame(expected[WithoutPrefix(pair.Key)], pair.Value, tolerance);
        });
    }

    [Theory]
    [InlineData("m2d.pth")]
    [InlineData("msm_mae.pth")]
    [InlineData("m2d_vit_base-80x96p16x16p16k-fixture/checkpoint-7.pth")]
    public void ModelsCarryTheirNormalisation(string file)
    {
        HostTensor statistics = Read(file).Tensors["norm_stats"];

        Assert.Equal([2L], statistics.Shape);
        Assert.All(statistics.ToFloats(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void ValuesAroundTheModelAreKept()
    {
        var root = Assert.IsType<PickledDictionary>(Read("checkpoints/full_with_args.pth").Root);

        Assert.IsType<long>(root["epoch"]);
        var arguments = Assert.IsType<PickledDictionary>(root["args"]);
        Assert.IsType<string>(arguments["model"]);
        Assert.Equal(2, Assert.IsType<List<object?>>(arguments["input_size"]).Count);
        Assert.IsType<double>(arguments["lr"]);
        Assert.IsType<bool>(arguments["norm_pix_loss"]);
    }

    [Fact]
    public void CodeIsRefused()
    {
        var error = Assert.Throws<UserErrorException>(() => Read("checkpoints/malicious.pth"));
        Assert.Contains("malicious.pth: refused, nothing was run", error.Message);
    }

    [Fact]
    public void TruncationIsRefused()
    {
        var error = Assert.Throws<UserErrorException>(() => Read("checkpoints/truncated.pth"));
        Assert.Contains("truncated.pth", error.Message);
    }

    private static PyTorchCheckpoint Read(string file) => PyTorchCheckpoint.Read(Fixture.Path(file));

    private static string WithoutPrefix(string name)
    {
        string prefix = Prefixes.FirstOrDefault(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) ?? "";
        return name[prefix.Length..];
    }

    private static void AssertSame(HostTensor expected, HostTensor actual, double tolerance)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        float[] a = expected.ToFloats(), b = actual.ToFloats();
        double scale = a.Max(MathF.Abs);
        for (int i = 0; i < a.Length; i++)
            Assert.InRange(Math.Abs(a[i] - b[i]), 0, tolerance * scale);
    }
}

using OtoMask.Interop;
using OtoMask.Masking;
using OtoMask.Pretraining;
using OtoMask.Torch;

namespace OtoMask.Tests.Devices;

/// <summary>Object-centric scores of the reference implementation, computed on a device.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks, Trait("Category", "Fixtures")]
public class DeviceMaskingFixtureTests
{
    [Theory]
    [InlineData("cpu"), InlineData(TestDevice.Another)]
    public void Object_scores_agree(string where)
    {
        using var scope = new TensorScope();
        NpyArray features = NpyFile.Read(Fixture.Path("sgim_features.npy")), expected = NpyFile.Read(Fixture.Path("sgim_score.npy"));
        Tensor there = Tensor.Send(TestDevice.Named(where), features.Values, [.. features.Shape.Select(size => (long)size)]);
        float[] actual = DeviceMasking.Of(new ObjectCentricMasking(PatchCuts.PrincipalAxis))!.Scores(there).ToArray<float>();
        Assert.Equal(expected.Values.Length, actual.Length);
        Assert.All(expected.Values.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }
}

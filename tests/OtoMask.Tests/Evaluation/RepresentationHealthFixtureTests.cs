using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Tests.Devices;

namespace OtoMask.Tests.Fixtures;

[Trait("Category", "Fixtures")]
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class RepresentationHealthFixtureTests
{
    private const double RelativeTolerance = 1e-4;

    private readonly NpyArray embeddings = NpyFile.Read(Fixture.Path("metrics_embeddings.npy"));

    [Theory]
    [InlineData("cpu"), InlineData(TestDevice.Another)]
    public void RankMeAgrees(string where) =>
        AssertAgrees("metrics_rankme.npy", RepresentationHealth.RankMe(embeddings.Values, embeddings.Shape[1], TestDevice.Named(where)));

    [Theory]
    [InlineData("cpu"), InlineData(TestDevice.Another)]
    public void CevAucAgrees(string where) =>
        AssertAgrees("metrics_cev_auc.npy", RepresentationHealth.CevAuc(embeddings.Values, embeddings.Shape[1], TestDevice.Named(where)));

    private static void AssertAgrees(string fixture, double actual)
    {
        double expected = Assert.Single(NpyFile.Read(Fixture.Path(fixture)).Values);
        Assert.Equal(expected, actual, RelativeTolerance * Math.Abs(expected));
    }
}

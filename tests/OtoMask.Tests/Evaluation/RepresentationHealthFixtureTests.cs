using OtoMask.Evaluation;
using OtoMask.Interop;

namespace OtoMask.Tests.Fixtures;

[Trait("Category", "Fixtures")]
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class RepresentationHealthFixtureTests
{
    private const double RelativeTolerance = 1e-4;

    private readonly NpyArray embeddings = NpyFile.Read(Fixture.Path("metrics_embeddings.npy"));

    [Fact]
    public void RankMeAgrees() =>
        AssertAgrees("metrics_rankme.npy", RepresentationHealth.RankMe(embeddings.Values, embeddings.Shape[1]));

    [Fact]
    public void CevAucAgrees() =>
        AssertAgrees("metrics_cev_auc.npy", RepresentationHealth.CevAuc(embeddings.Values, embeddings.Shape[1]));

    private static void AssertAgrees(string fixture, double actual)
    {
        double expected = Assert.Single(NpyFile.Read(Fixture.Path(fixture)).Values);
        Assert.Equal(expected, actual, RelativeTolerance * Math.Abs(expected));
    }
}

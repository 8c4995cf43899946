using MathNet.Numerics.LinearAlgebra;
using OtoMask.Evaluation;
using OtoMask.Randomness;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class RepresentationHealthTests
{
    [Fact]
    public void EqualDirectionsUseTheWholeWidth()
    {
        // Two opposite tokens on each axis: already centred and of unit length.
        const int width = 6;
        var tokens = new float[2 * width * width];
        for (int axis = 0; axis < width; axis++)
        {
            tokens[2 * axis * width + axis] = 1;
            tokens[(2 * axis + 1) * width + axis] = -1;
        }

        Assert.Equal(width, RepresentationHealth.RankMe(tokens, width), 1e-9);
        Assert.Equal((width + 1) / (2.0 * width), RepresentationHealth.CevAuc(tokens, width), 1e-9);
    }

    [Theory]
    [InlineData(400, 24)]
    [InlineData(30, 48)]
    [InlineData(131, 67)]
    public void TheGramRouteAgreesWithAFullDecomposition(int count, int width)
    {
        float[] tokens = Random(count * width);
        Matrix<double> matrix = Matrix<double>.Build.Dense(width, count, (feature, token) => tokens[token * width + feature]);
        double[] singular = [.. matrix.Svd(computeVectors: false).S];
        double sum = singular.Sum();
        double entropy = -singular.Sum(value => value / sum * Math.Log(value / sum));

        Assert.Equal(Math.Exp(entropy), RepresentationHealth.RankMe(tokens, width), 1e-6 * width);
    }

    [Fact]
    public void CollapseShows()
    {
        const int width = 192, count = 300;
        float[] token = Random(width);
        float[] same = [.. Enumerable.Range(1, count).SelectMany(_ => token)];
        float[] scaled = [.. Enumerable.Range(1, count).SelectMany(i => token.Select(x => x * i / count))];

        Assert.Equal(1, RepresentationHealth.RankMe(same, width), 1e-3);
        Assert.Equal(1, RepresentationHealth.RankMe(scaled, width), 1e-3);
        Assert.Equal(1, RepresentationHealth.RankMe(new float[10 * width], width));
        Assert.Equal(1, RepresentationHealth.CevAuc(new float[10 * width], width));
    }

    [Fact]
    public void NonFiniteTokensGiveNoNumber()
    {
        float[] tokens = Random(5 * 4);
        tokens[7] = float.PositiveInfinity;

        Assert.Equal(double.NaN, RepresentationHealth.RankMe(tokens, 4));
        Assert.Equal(double.NaN, RepresentationHealth.CevAuc(tokens, 4));
    }

    [Fact]
    public void TokensMustFillTheirWidth()
    {
        Assert.Throws<ArgumentException>(() => RepresentationHealth.RankMe(new float[7], 4));
        Assert.Throws<ArgumentException>(() => RepresentationHealth.CevAuc([], 4));
    }

    private static float[] Random(int count)
    {
        var stream = new RandomStream(1, RandomPurpose.Initialisation, 0, count);
        return [.. Enumerable.Range(0, count).Select(_ => (float)stream.NextDouble() - 0.4f)];
    }
}

using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Masking;
using OtoMask.Tests.Masking;

namespace OtoMask.Tests.Fixtures.Masking;

/// <summary>Weights and masks against the golden numbers; criteria and tolerances are those of the fixtures' README.</summary>
[Trait("Category", "Fixtures")]
public class MaskingFixtureTests
{
    private const int Bands = 80, Frames = 608, PatchSide = 16, PatchSize = PatchSide * PatchSide;
    private const double MaskRatio = 0.7;
    private const int OneIn = 4;

    private static readonly PatchGrid Grid = PatchGrid.Of(Bands, Frames, PatchSide, PatchSide);
    private static readonly float[][] Clips = CutClips();

    private static float[] Load(string name) => NpyFile.Read(Fixture.Path(name + ".npy")).Values;

    private static float[][] CutClips() =>
    [
        .. Load("mask_input").Chunk(Bands * Frames).Select(logMel =>
        {
            var patches = new float[logMel.Length];
            PatchCutter.Cut(logMel, Bands, Frames, PatchSide, PatchSide, patches);
            return patches;
        }),
    ];

    [Fact]
    public void Weights_by_mean_absolute_deviation_agree() => AssertWeights("mask_weight_mad", DispersionWeights.MeanAbsoluteDeviation);

    [Fact]
    public void Weights_by_variance_agree() => AssertWeights("mask_weight_var", DispersionWeights.Variance);

    private static void AssertWeights(string name, DispersionMeasure measure)
    {
        float[] expected = Load(name), actual = new float[Grid.Count];
        for (int clip = 0; clip < Clips.Length; clip++)
        {
            measure(new PatchView(Grid, PatchSize, Clips[clip]), actual);
            for (int id = 0; id < actual.Length; id++)
                Assert.InRange(actual[id] - expected[clip * Grid.Count + id], -1e-5, 1e-5);
        }
    }

    [Theory]
    [InlineData("random", "random", 0.0, 8000)]
    [InlineData("inverse-block", "inverse_block", 0.0, 2000)]
    [InlineData("dwm", "dwm_mad", 0.0, 8000)]
    [InlineData("dwm", "dwm_mad", 0.5, 8000)]
    [InlineData("dwm", "dwm_mad", 0.9, 8000)]
    [InlineData("dwm-variance", "dwm_var", 0.0, 8000)]
    [InlineData("dwm-topk", "dwm_topk", 0.0, 8000)]
    [InlineData("dwm-topk", "dwm_topk", 0.5, 8000)]
    public void Masks_are_drawn_as_the_reference_draws_them(string name, string fixture, double hint, int draws)
    {
        string suffix = FormattableString.Invariant($"{fixture}_hint{hint:0.0}");
        float[] marginals = Load("mask_marginal_" + suffix), agreements = Load("mask_neighbour_agreement_" + suffix);
        IMaskingStrategy strategy = KnownMaskings.Find(name).CreateDataStrategy()!;

        double differences = 0, allowed = 0;
        int beyond = 0;
        for (int clip = 0; clip < Clips.Length; clip++)
        {
            if (name == "dwm-topk" && CutFallsOnATie(Clips[clip]))
                continue;
            double agreement = 0;
            double[] ours = MaskingSamples.Marginals(draws, Grid.Count, draw =>
            {
                PatchMask mask = strategy.Sample(
                    new PatchView(Grid, PatchSize, Clips[clip]),
                    MaskingSamples.Context(MaskRatio, hint, clip: (long)clip * draws + draw));
                if (draw % OneIn == 0) // its mean settles much sooner than the marginals do
                    agreement += NeighbourAgreement.Of(mask, Grid) / (draws / OneIn);
                return mask;
            });
            Assert.InRange(agreement - agreements[clip], -0.01, 0.01);
            for (int id = 0; id < Grid.Count; id++)
            {
                double reference = marginals[clip * Grid.Count + id], p = (ours[id] + reference) / 2;
                double s = Math.Sqrt(2 * p * (1 - p) / draws) + 1.0 / draws, difference = Math.Abs(ours[id] - reference);
                differences += difference;
                allowed += 0.8 * s;
                beyond += difference > 5 * s ? 1 : 0;
            }
        }
        Assert.True(beyond <= 0.001 * Clips.Length * Grid.Count, $"{beyond} patches differ by more than 5 s");
        Assert.True(differences <= 1.25 * allowed, $"mean difference is {differences / allowed:0.000} x the mean of 0.8 s");
    }

    /// <summary>
    /// Whether the last masked and the first visible patch weigh the same but for rounding (digital silence, a steady tone): which
    /// of the two <c>dwm-topk</c> masks is then nobody's rule.
    /// </summary>
    private static bool CutFallsOnATie(float[] patches)
    {
        const float Rounding = 1e-6f;
        var weights = new float[Grid.Count];
        DispersionWeights.MeanAbsoluteDeviation(new PatchView(Grid, PatchSize, patches), weights);
        Array.Sort(weights);
        int visibleCount = Grid.VisibleCount(MaskRatio);
        return weights[visibleCount] - weights[visibleCount - 1] <= Rounding;
    }

    [Fact]
    public void Object_scores_agree()
    {
        float[] features = Load("sgim_features"), expected = Load("sgim_score"), actual = new float[Grid.Count];
        int width = features.Length / expected.Length;
        for (int clip = 0; clip < expected.Length / Grid.Count; clip++)
        {
            ObjectScores.Compute(features.AsSpan(clip * Grid.Count * width, Grid.Count * width), width, PatchCuts.PrincipalAxis, actual);
            for (int id = 0; id < Grid.Count; id++)
                Assert.InRange(actual[id] - expected[clip * Grid.Count + id], -1e-4, 1e-4);
        }
    }

    [Fact]
    public void Spectral_centres_agree()
    {
        float[] features = Load("sgim_features"), expected = Load("sgim_centres_spectral");
        int clips = Clips.Length, width = expected.Length / (2 * clips);
        for (int clip = 0; clip < clips; clip++)
        {
            double[] actual = ObjectScores.Centres(
                features.AsSpan(clip * Grid.Count * width, Grid.Count * width), width, PatchCuts.Spectral);
            double[] reference = [.. expected.AsSpan(clip * 2 * width, 2 * width).ToArray()];
            double[] swapped = [.. reference[width..], .. reference[..width]];
            Assert.True(Math.Min(Distance(actual, reference), Distance(actual, swapped)) <= 1e-4);
        }
    }

    private static double Distance(double[] x, double[] y) => x.Zip(y, (a, b) => Math.Abs(a - b)).Max();
}

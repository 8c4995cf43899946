using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Masking;
using OtoMask.Tests.Masking;

namespace OtoMask.Tests.Fixtures.Masking;

/// <summary>Masks of coloured noise against the reference's statistics, by the criteria of the fixtures' README (<c>eat/</c>).</summary>
[Trait("Category", "Fixtures")]
public class ColorMaskingFixtureTests
{
    private const int Draws = 20_000, DrawsOfGroups = 2_000;
    private const double MaskRatio = 0.7;
    private static readonly PatchGrid Grid = new(5, 38);

    private static NoiseFilter FilterOf(string name) => name switch
    {
        "red" => NoiseFilter.Red,
        "green" => NoiseFilter.Green,
        "blue" => NoiseFilter.Blue,
        "purple" => NoiseFilter.Purple,
        "green1" => NoiseFilter.Band(0.5, 2, 1),
        "blue1" => NoiseFilter.High(1, 1),
        _ => NoiseFilter.White,
    };

    [Theory]
    [InlineData("red", 0.01), InlineData("green", 0.005), InlineData("blue", 0.005), InlineData("purple", 0.01)]
    [InlineData("green1", 0.005), InlineData("blue1", 0.005), InlineData("white", 0.005)]
    public void Masks_have_the_statistics_of_the_reference(string name, double tolerance)
    {
        float[] agreement = Load($"mask_agreement_color-{name}"), groups = Load($"mask_components_color-{name}"), marginals = Load($"mask_marginal_color-{name}");
        var strategy = new ColorMasking(FilterOf(name));
        double[] ways = new double[Draws];
        double horizontal = 0, vertical = 0, visibleGroups = 0, maskedGroups = 0;
        double[] ours = MaskingSamples.Marginals(Draws, Grid.Count, draw =>
        {
            PatchMask mask = strategy.Sample(new PatchView(Grid, 0, []), MaskingSamples.Context(MaskRatio, clip: draw));
            (double h, double v) = NeighbourAgreement.Ways(mask, Grid);
            (ways[draw], horizontal, vertical) = ((h + v) / 2, horizontal + h / Draws, vertical + v / Draws);
            if (draw < DrawsOfGroups)
                (visibleGroups, maskedGroups) = (visibleGroups + Groups(mask.Visible) / (double)DrawsOfGroups, maskedGroups + Groups(mask.Masked) / (double)DrawsOfGroups);
            return mask;
        });

        double mean = ways.Average();
        Assert.Equal(agreement[0], mean, tolerance);
        Assert.Equal(agreement[1], horizontal, tolerance);
        Assert.Equal(agreement[2], vertical, tolerance);
        Assert.Equal(agreement[3], Math.Sqrt(ways.Average(way => (way - mean) * (way - mean))), 0.003);
        Assert.InRange(visibleGroups / groups[0], 0.95, 1.05);
        Assert.InRange(maskedGroups / groups[1], 0.95, 1.05);
        double[] allowed = [.. ours.Zip(marginals, (own, reference) => (own + reference) / 2).Select(p => Math.Sqrt(2 * p * (1 - p) / Draws) + 1.0 / Draws)];
        double[] differences = [.. ours.Zip(marginals, (own, reference) => Math.Abs(own - reference))];
        Assert.All(differences.Zip(allowed), pair => Assert.True(pair.First <= 5 * pair.Second, $"a patch differs by {pair.First / pair.Second:0.0} s"));
        Assert.True(differences.Sum() <= 1.25 * 0.8 * allowed.Sum(), $"mean difference is {differences.Sum() / (0.8 * allowed.Sum()):0.000} x the mean of 0.8 s");
    }

    /// <summary>Groups of cells that touch by their sides.</summary>
    private static int Groups(int[] cells)
    {
        HashSet<int> left = [.. cells];
        int groups = 0;
        var reached = new Stack<int>();
        while (left.Count > 0)
        {
            groups++;
            int first = left.First();
            left.Remove(first);
            reached.Push(first);
            while (reached.TryPop(out int cell))
            {
                (int row, int column) = (cell / Grid.Columns, cell % Grid.Columns);
                foreach ((int r, int c) in ((int, int)[])[(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)])
                {
                    int neighbour = r * Grid.Columns + c;
                    if (r >= 0 && r < Grid.Rows && c >= 0 && c < Grid.Columns && left.Remove(neighbour))
                        reached.Push(neighbour);
                }
            }
        }
        return groups;
    }

    private static float[] Load(string name) => NpyFile.Read(Fixture.Path(Path.Combine("eat", name + ".npy"))).Values;
}

using OtoMask.App.Reports;

namespace OtoMask.Tests.Reports;

public sealed class ChartsTests
{
    [Fact]
    public void Many_points_are_thinned_to_the_means_of_runs_and_gaps_stay()
    {
        List<(double X, double Y)> points = [.. Enumerable.Range(0, 120_000).Select(i => ((double)i, i is >= 50_000 and < 60_000 ? double.NaN : i))];
        (double X, double Y)[] thinned = [.. Charts.Thin(points)];
        Assert.Equal(1200, thinned.Length);
        Assert.Equal((49.5, 49.5), thinned[0]);
        Assert.Equal(100, thinned.Count(point => double.IsNaN(point.Y)));
    }
}

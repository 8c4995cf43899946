using OtoMask.App.Serve.Watching;

namespace OtoMask.Tests.Serve;

public class GrowingCurveTests
{
    [Fact]
    public void A_curve_of_any_length_stays_small_and_keeps_its_shape()
    {
        var curve = new GrowingCurve();
        for (int step = 1; step <= 100_000; step++)
        {
            curve.Add(step, 2.0 * step);
            Assert.True(curve.Points.Count < GrowingCurve.MostPoints);
        }
        Assert.True(curve.Points.Count >= GrowingCurve.MostPoints / 2);
        Assert.All(curve.Points, point => Assert.Equal(2 * point.X, point.Y, 1e-6));
        Assert.Equal(curve.Points.Select(point => point.X).Order(), curve.Points.Select(point => point.X));
        Assert.InRange(curve.Points[0].X, 1, 64);
        Assert.InRange(curve.Points[^1].X, 99_900, 100_000);
    }

    [Fact]
    public void Points_that_were_seen_change_only_with_the_generation()
    {
        var curve = new GrowingCurve();
        (int generation, (double, double)[] seen) = (0, []);
        for (int step = 1; step <= 9000; step++)
        {
            curve.Add(step, step % 7);
            if (curve.Generation == generation)
                Assert.Equal(seen, curve.Points.Take(seen.Length));
            (generation, seen) = (curve.Generation, [.. curve.Points.TakeLast(3)]);
            seen = [.. curve.Points.Take(50)];
        }
        Assert.Equal(3, curve.Generation); // 2048, 4096 and 8192 values
    }

    [Fact]
    public void What_is_not_finite_is_a_gap_and_never_makes_one_of_a_number()
    {
        var curve = new GrowingCurve();
        for (int step = 0; step < GrowingCurve.MostPoints; step++)
            curve.Add(step, step is 0 or 2 or 3 ? double.NaN : 1);
        Assert.Equal(1, curve.Generation);
        Assert.Equal([1, double.NaN, 1], curve.Points.Take(3).Select(point => point.Y));
    }
}

using OtoMask.Evaluation;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class IntervalsTests
{
    [Fact]
    public void ThreeSeedsGetStudentsT()
    {
        // t(0.975, 2) = 4.30265; deviation 1.
        Interval interval = Intervals.OverSeeds([70, 71, 72]);
        Assert.Equal(71, interval.Value, 1e-12);
        Assert.Equal(4.30265 / Math.Sqrt(3), interval.HalfWidth, 1e-4);
        Assert.Equal(new Interval(5, 5, 5), Intervals.OverSeeds([5]));
    }

    [Fact]
    public void PairedTestIsStudents()
    {
        // Closed forms: two degrees of freedom, p = 1 - t / sqrt(2 + t^2), t = 2 sqrt(3); one, the Cauchy distribution, t = 2.
        Assert.Equal(1 - Math.Sqrt(12.0 / 14), Intervals.PairedTest([1, 2, 3]), 1e-12);
        Assert.Equal(1 - Math.Sqrt(12.0 / 14), Intervals.PairedTest([-1, -2, -3]), 1e-12);
        Assert.Equal(1 - 2 / Math.PI * Math.Atan(2), Intervals.PairedTest([1, 3]), 1e-12);
        Assert.Equal((1, 1, 1), (Intervals.PairedTest([2, 2]), Intervals.PairedTest([0, 0]), Intervals.PairedTest([-1, 1])));
        Assert.Throws<ArgumentException>(() => Intervals.PairedTest([1]));
    }

    [Fact]
    public void ZeroIsExcludedOnlyWhenItLiesOutside()
    {
        Assert.True(new Interval(1, 0.001, 2).ExcludesZero);
        Assert.True(new Interval(-1, -2, -0.001).ExcludesZero);
        Assert.False(new Interval(1, -0.001, 2).ExcludesZero);
        Assert.False(new Interval(7.4, 0, 14.7).ExcludesZero);
        Assert.False(new Interval(7.4, 1e-14, 14.7).ExcludesZero); // what a sum of thirds leaves of zero
    }

    [Theory]
    [InlineData(0.6, -0.4, 1.6, "+0.6 (-0.4 to +1.6)")]
    [InlineData(7.35, 0.04, 14.66, "+7.35 (+0.04 to +14.66)")]
    [InlineData(-3.1, -6.196, -0.004, "-3.100 (-6.196 to -0.004)")]
    [InlineData(1, -0.03, 2, "+1.00 (-0.03 to +2.00)")]
    [InlineData(7.35, 0, 14.7, "+7.4 (0.0 to +14.7)")]
    [InlineData(7.25, 1e-14, 14.5, "+7.3 (0.0 to +14.5)")]
    [InlineData(0.01, -1.2, 1.22, "0.0 (-1.2 to +1.2)")]
    public void PrintShowsOnWhichSideOfZeroADifferenceLies(double value, double low, double high, string text) =>
        Assert.Equal(text, IntervalText.OfDifference(new Interval(value, low, high)).ToString());

    [Fact]
    public void BootstrapAgreesWithTheNormalApproximation()
    {
        double[] values = [.. Enumerable.Range(0, 500).Select(i => i % 5 == 0 ? 100.0 : 0)];
        Interval interval = Intervals.Bootstrap(values, new string?[values.Length], seed: 1);
        Assert.Equal(20, interval.Value, 1e-9);
        Assert.Equal(1.96 * 100 * Math.Sqrt(0.2 * 0.8 / 500), interval.HalfWidth, 0.3);
        Assert.Equal(interval, Intervals.Bootstrap(values, new string?[values.Length], seed: 1));
    }

    [Fact]
    public void ClipsOfAGroupCountAsOne()
    {
        // 20 groups of 25 clips that agree: the interval is that of 20 clips.
        double[] values = [.. Enumerable.Range(0, 500).Select(i => i / 25 % 2 == 0 ? 100.0 : 0)];
        string[] groups = [.. Enumerable.Range(0, 500).Select(i => $"kit{i / 25}")];
        Interval interval = Intervals.Bootstrap(values, groups, seed: 1);
        Assert.Equal(1.96 * 100 * Math.Sqrt(0.25 / 20), interval.HalfWidth, 2.0);
    }

    [Fact]
    public void OneGroupAloneIsResampledByClip()
    {
        double[] values = [.. Enumerable.Range(0, 100).Select(i => i % 2 == 0 ? 100.0 : 0)];
        Interval interval = Intervals.Bootstrap(values, [.. Enumerable.Repeat("amy", 100)], seed: 1);
        Assert.Equal(Intervals.Bootstrap(values, new string?[100], seed: 1), interval);
    }

    [Fact]
    public void PairedDifferenceSeesWhatIsCertain()
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips: 400, classes: 4);
        ProbeResult good = LinearProbe.Run(task.Embed(width: 8, distance: 1), ProbeMode.Tuned, [42, 43]);
        ProbeResult bad = LinearProbe.Run(task.Embed(width: 8, distance: 0.1), ProbeMode.Tuned, [42, 43]);
        Interval gain = Intervals.PairedDifference(good, bad);
        Assert.Equal(good.Score.Value - bad.Score.Value, gain.Value, 1e-9);
        Assert.True(gain.Low > 0, $"{gain}");
        Assert.Equal(new Interval(0, 0, 0), Intervals.PairedDifference(good, good));
        Assert.Equal(good.Score.Value, Intervals.OverClips(good).Value, 1e-9);
    }

    [Fact]
    public void RefusesResultsOfOtherClips()
    {
        using SyntheticTask one = SyntheticTask.Balanced(40, 2), other = SyntheticTask.Balanced(40, 2);
        ProbeResult a = LinearProbe.Run(one.Embed(4, 1), ProbeMode.Tuned, [1]), b = LinearProbe.Run(other.Embed(4, 1), ProbeMode.Tuned, [1]);
        Assert.Throws<ArgumentException>(() => Intervals.PairedDifference(a, b));
    }
}

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

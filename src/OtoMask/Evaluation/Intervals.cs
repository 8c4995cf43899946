using MathNet.Numerics.Distributions;
using OtoMask.Randomness;

namespace OtoMask.Evaluation;

/// <summary>An estimate with its 95 % interval.</summary>
/// <param name="Value">The estimate.</param>
/// <param name="Low">Lower end; equal to the value where there is nothing to tell it from.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Value, double Low, double High)
{
    /// <summary>What rounding may leave of a zero, in points: an end this near to zero is zero.</summary>
    internal const double Noise = 1e-9;

    /// <summary>Half the width.</summary>
    public double HalfWidth => (High - Low) / 2;

    /// <summary>Whether it is wider than rounding makes it.</summary>
    public bool HasWidth => High - Low > Noise;

    /// <summary>Whether zero lies outside: for a difference, whether anything may be claimed. An end that is zero holds it.</summary>
    public bool ExcludesZero => Low > Noise || High < -Noise;
}

/// <summary>95 % intervals: over seeds by Student's t, over test clips by the bootstrap.</summary>
public static class Intervals
{
    private const double Confidence = 0.95;
    private const int Resamples = 2000;

    /// <summary>The mean of a few seeds' values and its interval by Student's t; a single value has an interval of no width.</summary>
    /// <exception cref="ArgumentException">There is no value.</exception>
    public static Interval OverSeeds(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            throw new ArgumentException("no values to average", nameof(values));
        double mean = values.Average();
        if (values.Count == 1)
            return new Interval(mean, mean, mean);
        double half = StudentT.InvCDF(0, 1, values.Count - 1, (1 + Confidence) / 2) * StandardError(values);
        return new Interval(mean, mean - half, mean + half);
    }

    /// <summary>Student's test of paired differences: how likely a mean this far from zero is, on either side, if the true one is zero.</summary>
    /// <returns>p, 0 .. 1; below 0.05 where <see cref="OverSeeds"/> excludes zero. Values that agree exactly have no spread to test by: 1.</returns>
    /// <exception cref="ArgumentException">There are fewer than two values.</exception>
    public static double PairedTest(IReadOnlyList<double> differences)
    {
        if (differences.Count < 2)
            throw new ArgumentException("a spread needs two values at least", nameof(differences));
        double mean = differences.Average(), error = StandardError(differences);
        return error <= Interval.Noise ? 1 : 2 * StudentT.CDF(0, 1, differences.Count - 1, -Math.Abs(mean / error));
    }

    private static double StandardError(IReadOnlyList<double> values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1) / values.Count);
    }

    /// <summary>Accuracy in % with the interval that another draw of test clips would leave it in.</summary>
    /// <param name="result">What to resample; its runs are averaged clip by clip.</param>
    /// <param name="seed">Seed of the resamples.</param>
    /// <inheritdoc cref="Bootstrap" path="/remarks"/>
    /// <exception cref="InvalidOperationException">The task is multi-label.</exception>
    public static Interval OverClips(ProbeResult result, ulong seed = 0) => Bootstrap([.. result.ClipScores().Select(score => 100 * score)], GroupsOf(result), seed);

    /// <summary>Points of accuracy by which <paramref name="result"/> beats <paramref name="baseline"/>, paired clip by clip.</summary>
    /// <param name="result">The one hoped to be better.</param>
    /// <param name="baseline">The one it is compared with: same task, same test clips.</param>
    /// <param name="seed">Seed of the resamples.</param>
    /// <inheritdoc cref="Bootstrap" path="/remarks"/>
    /// <exception cref="ArgumentException">The two were not tested on the same clips.</exception>
    /// <exception cref="InvalidOperationException">The task is multi-label.</exception>
    public static Interval PairedDifference(ProbeResult result, ProbeResult baseline, ulong seed = 0)
    {
        if (result.Task.CsvPath != baseline.Task.CsvPath || !result.TestClips.SequenceEqual(baseline.TestClips))
            throw new ArgumentException($"{result.Embedding} and {baseline.Embedding} were not tested on the same clips", nameof(baseline));
        double[] gains = [.. result.ClipScores().Zip(baseline.ClipScores(), (own, other) => 100 * (own - other))];
        return Bootstrap(gains, GroupsOf(result), seed);
    }

    /// <summary>The mean of one value a clip and its 95 % percentile interval over 2,000 resamples.</summary>
    /// <remarks>Efron and Tibshirani, "An introduction to the bootstrap", 1993. Clips of a group (a speaker, a kit) are alike, so whole groups
    /// are drawn: the interval says what other groups would do. Where all clips are of one group, clips are drawn, and the interval speaks for that
    /// group alone. The seeds' luck is averaged out before, not resampled.</remarks>
    /// <param name="values">One value a clip.</param>
    /// <param name="groups">The group of each clip; null stands for a group of its own.</param>
    /// <param name="seed">Seed of the resamples.</param>
    /// <exception cref="ArgumentException">There is no value, or not one group for each.</exception>
    public static Interval Bootstrap(IReadOnlyList<double> values, IReadOnlyList<string?> groups, ulong seed)
    {
        if (values.Count == 0 || groups.Count != values.Count)
            throw new ArgumentException($"{values.Count} values in {groups.Count} groups cannot be resampled", nameof(values));
        (double Sum, int Count)[] units =
        [
            .. values.Zip(groups).Index().GroupBy(clip => clip.Item.Second is { } name ? (name, -1) : ("", clip.Index))
                .Select(group => (group.Sum(clip => clip.Item.First), group.Count())),
        ];
        if (units.Length == 1)
            units = [.. values.Select(value => (value, 1))];
        double mean = values.Average();
        var means = new double[Resamples];
        for (int resample = 0; resample < Resamples; resample++)
        {
            var random = new RandomStream(seed, RandomPurpose.Probe, 0, resample);
            var (sum, count) = (0.0, 0);
            for (int draw = 0; draw < units.Length; draw++)
            {
                (double unitSum, int unitCount) = units[random.NextInt32(units.Length)];
                (sum, count) = (sum + unitSum, count + unitCount);
            }
            means[resample] = sum / count;
        }
        Array.Sort(means);
        return new Interval(mean, Percentile(means, (1 - Confidence) / 2), Percentile(means, (1 + Confidence) / 2));
    }

    private static double Percentile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        double rest = place - below;
        return rest == 0 ? sorted[below] : sorted[below] * (1 - rest) + sorted[below + 1] * rest;
    }

    private static string?[] GroupsOf(ProbeResult result) => [.. result.TestClips.Select(clip => result.Task.Clips[clip].Group)];
}

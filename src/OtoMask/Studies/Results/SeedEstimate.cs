using OtoMask.Evaluation;

namespace OtoMask.Studies.Results;

/// <summary>A replicate's value.</summary>
/// <param name="Seed">Seed of the pre-training.</param>
/// <param name="Value">A score in %, or a difference in points.</param>
public readonly record struct SeedValue(ulong Seed, double Value);

/// <summary>A score or a difference as the seeds of the pre-training, which are the replicates, tell it.</summary>
public sealed class SeedEstimate
{
    private readonly double[] values;

    private SeedEstimate(SeedValue[] seeds)
    {
        Seeds = seeds;
        values = [.. seeds.Select(seed => seed.Value)];
        Mean = values.Average();
        Interval = values.Length > 1 ? Intervals.OverSeeds(values) : null;
    }

    /// <summary>The replicates, by seed; at least one.</summary>
    public IReadOnlyList<SeedValue> Seeds { get; }

    /// <summary>Their mean.</summary>
    public double Mean { get; }

    /// <summary>95 % interval of the mean by Student's t; null with one seed, from which no spread can be known.</summary>
    public Interval? Interval { get; }

    /// <summary>
    /// Whether the interval excludes zero. Seeds that agree exactly do not: scores go in steps of a test clip, so that agreement says that
    /// the step is coarse, not that there is no spread.
    /// </summary>
    public bool ExcludesZero => Interval is { ExcludesZero: true, HasWidth: true };

    /// <summary>Two-sided p of Student's test against zero, 0 .. 1; 1 where seeds agree exactly, null with one seed.</summary>
    public double? PValue => values.Length > 1 ? Intervals.PairedTest(values) : null;

    /// <summary>The estimate of some seeds' values, in any order; null where there is none.</summary>
    public static SeedEstimate? Of(IEnumerable<SeedValue> seeds)
    {
        SeedValue[] sorted = [.. seeds.OrderBy(seed => seed.Seed)];
        return sorted.Length == 0 ? null : new SeedEstimate(sorted);
    }

    /// <summary>By how much <paramref name="own"/> exceeds <paramref name="other"/>, paired by seed; null where they share none.</summary>
    public static SeedEstimate? Difference(SeedEstimate? own, SeedEstimate? other) => own is null || other is null
        ? null
        : Of(own.Seeds.Join(other.Seeds, mine => mine.Seed, theirs => theirs.Seed, (mine, theirs) => new SeedValue(mine.Seed, mine.Value - theirs.Value)));
}

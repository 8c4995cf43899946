namespace OtoMask.Studies.Results;

/// <summary>How much is averaged.</summary>
public enum ScopeKind
{
    /// <summary>One task.</summary>
    Task,

    /// <summary>The tasks of a family: events, speech, music or the user's word.</summary>
    Family,

    /// <summary>All tasks.</summary>
    Overall,
}

/// <summary>The tasks over which a score is averaged within a seed, before anything is said over seeds: tasks are no replicates.</summary>
/// <param name="Kind">One task, a family or all.</param>
/// <param name="Name">Name of the task or the family; <c>overall</c>.</param>
/// <param name="Metric">accuracy or mAP; of several tasks with both, <c>score</c>.</param>
/// <param name="Tasks">Names of the tasks.</param>
public sealed record StudyScope(ScopeKind Kind, string Name, string Metric, IReadOnlyList<string> Tasks);

/// <summary>What one way of probing says of an arm: an item for each of <see cref="StudyResults.Scopes"/>, null where it was not measured.</summary>
/// <param name="Scores">In %.</param>
/// <param name="ToBaseline">Points by which it exceeds the baseline, over the seeds both have; null for the baseline and the untrained network.</param>
/// <param name="ToUntrained">Points by which it exceeds the untrained network of the same seed; null for that network.</param>
public sealed record ArmScores(IReadOnlyList<SeedEstimate?> Scores, IReadOnlyList<SeedEstimate?> ToBaseline, IReadOnlyList<SeedEstimate?> ToUntrained);

/// <summary>What the study found of one arm in one framework.</summary>
/// <param name="Name">For example <c>dwm</c>, <see cref="StudyCell.Untrained"/>, or a name with <see cref="StudyPlan.EqualTimeSuffix"/>.</param>
/// <param name="Linear">Under the linear probe, averaged over the probe's seeds.</param>
/// <param name="Knn">By nearest neighbours.</param>
/// <param name="Cost">What it cost; null for the untrained network and where it was not measured.</param>
public sealed record ArmResults(string Name, ArmScores Linear, ArmScores Knn, ArmCost? Cost)
{
    /// <summary>By the other probes that the study asks for, under the names that rows have of them: <c>attentive</c>, <c>5-shot</c>.</summary>
    public IReadOnlyList<(string Probe, ArmScores Scores)> More { get; init; } = [];

    /// <summary>Whether it is pre-trained.</summary>
    public bool IsTrained => Name != StudyCell.Untrained;

    /// <summary>Whether it had only as many steps as the baseline's time allows.</summary>
    public bool IsEqualTime => Name.EndsWith(StudyPlan.EqualTimeSuffix, StringComparison.Ordinal);
}

/// <summary>What the study found in one framework.</summary>
/// <param name="Name">For example <c>msm-mae</c>.</param>
/// <param name="Baseline">Name of the arm that the others are compared with.</param>
/// <param name="Arms">The untrained network, the arms in the study's order, then those at equal time; also those of which nothing is known yet.</param>
public sealed record FrameworkResults(string Name, string Baseline, IReadOnlyList<ArmResults> Arms)
{
    /// <summary>The arm of that name.</summary>
    public ArmResults this[string arm] => Arms.Single(candidate => candidate.Name == arm);

    /// <summary>How many times the baseline's cost an arm's is; null where one of them was not measured.</summary>
    /// <param name="arm">One of <see cref="Arms"/>.</param>
    /// <param name="cost">What is compared, for example <c>cost => cost.RunMinutes</c>.</param>
    public double? RelativeCost(ArmResults arm, Func<ArmCost, double> cost) => arm.Cost is { } own && this[Baseline].Cost is { } baseline ? cost(own) / cost(baseline) : null;
}

/// <summary>An arm compared with the baseline, or with the untrained network, on the average of all tasks under the linear probe.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Arm">For example <c>dwm</c>.</param>
/// <param name="Difference">Points by which it is better, with an interval.</param>
/// <param name="PValue">Student's test of that difference alone.</param>
/// <param name="AdjustedPValue">The same, adjusted by Holm for all comparisons of the study with the same reference.</param>
public sealed record OverallComparison(string Framework, string Arm, SeedEstimate Difference, double PValue, double AdjustedPValue)
{
    /// <summary>The chance of a false claim among all comparisons that is put up with.</summary>
    public const double Level = 0.05;

    /// <summary>Whether a difference may be claimed: the interval excludes zero, also with all the other comparisons in mind.</summary>
    public bool IsClear => Difference.ExcludesZero && AdjustedPValue < Level;
}

/// <summary>How many intervals of differences were looked at.</summary>
/// <param name="Looked">Paired differences from the baseline under the linear probe that have an interval: of tasks, families and all.</param>
/// <param name="ExcludingZero">How many of them exclude zero.</param>
public sealed record IntervalCount(int Looked, int ExcludingZero)
{
    /// <summary>How many would exclude zero by chance, if no arm differed in truth: 5 %.</summary>
    public double ByChance => 0.05 * Looked;
}

/// <summary>What a study found, as far as it went.</summary>
/// <param name="Config">The study.</param>
/// <param name="Scopes">What scores are averaged over: the tasks that were measured, in the study's order, their families, all of them.</param>
/// <param name="Frameworks">In the study's order, also those of which nothing is known yet.</param>
/// <param name="Comparisons">The overall differences from the baseline that have an interval.</param>
/// <param name="Missing">What the study asks for and nobody measured yet, a line each; empty when it is done.</param>
public sealed record StudyResults(
    StudyConfig Config, IReadOnlyList<StudyScope> Scopes, IReadOnlyList<FrameworkResults> Frameworks,
    IReadOnlyList<OverallComparison> Comparisons, IReadOnlyList<string> Missing)
{
    /// <summary>The overall differences from the untrained network that have an interval.</summary>
    public required IReadOnlyList<OverallComparison> ComparisonsToUntrained { get; init; }

    /// <summary>How many intervals were looked at, so that nobody takes the one in twenty for a discovery.</summary>
    public required IntervalCount Intervals { get; init; }

    /// <summary>Rows that were left out, because the study names no such arm, seed, task or probe.</summary>
    public required int LeftOut { get; init; }

    /// <summary>The scope of all tasks is the last one; -1 where nothing was measured.</summary>
    public int Overall => Scopes.Count - 1;

    /// <summary>What the folder of a study holds so far.</summary>
    /// <exception cref="UserErrorException">There is no study, or its rows contradict each other.</exception>
    public static StudyResults Read(StudyFolder folder) =>
        Of(StudyFile.Read(folder.Config), JsonLines.Read<StudyRow>(folder.Rows), JsonLines.Read<StudyCost>(folder.Costs));

    /// <summary>The summary of some rows, in any order.</summary>
    /// <param name="config">The study.</param>
    /// <param name="rows">Its scores; those that the study does not ask for are left out.</param>
    /// <param name="costs">What its arms cost.</param>
    /// <exception cref="UserErrorException">Rows contradict each other.</exception>
    public static StudyResults Of(StudyConfig config, IReadOnlyList<StudyRow> rows, IReadOnlyList<StudyCost> costs) =>
        new StudySummary(config, rows, costs).Summarise();
}

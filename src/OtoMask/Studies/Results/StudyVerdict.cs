using System.Globalization;
using OtoMask.Evaluation;

namespace OtoMask.Studies.Results;

/// <summary>The answer for one framework.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Answer">How the arms differ from the baseline and how sure that is, in one sentence.</param>
/// <param name="Floor">Whether pre-training beat the untrained network, in one sentence; without that the answer means little.</param>
public sealed record FrameworkVerdict(string Framework, string Answer, string Floor);

/// <summary>Says what a study found in sentences that claim no more than their intervals do.</summary>
public static class StudyVerdict
{
    private const int MostArmsToList = 4;

    /// <summary>The answers, framework by framework.</summary>
    public static IReadOnlyList<FrameworkVerdict> Of(StudyResults results) =>
        [.. results.Frameworks.Select(framework => new FrameworkVerdict(framework.Name, Answer(results, framework), Floor(results, framework)))];

    /// <summary>How many intervals there were to look at, and how many of them chance alone would have made look like discoveries.</summary>
    public static string Multiplicity(StudyResults results)
    {
        IntervalCount count = results.Intervals;
        if (count.Looked == 0)
            return "No difference has an interval yet.";
        int overall = results.Comparisons.Count;
        return string.Create(CultureInfo.InvariantCulture,
            $"{Counted(count.Looked, "interval")} of differences from {results.Config.Baseline} (every arm on each task, each family and all tasks): {count.ExcludingZero} {(count.ExcludingZero == 1 ? "excludes" : "exclude")} zero, where chance alone would make about {count.ByChance:0.#} if no arm differed. The {Counted(overall, "overall comparison")}, from which the answers are drawn, {(overall == 1 ? "is" : "are")} adjusted by Holm.");
    }

    private static string Answer(StudyResults results, FrameworkResults framework)
    {
        string baseline = results.Config.Baseline;
        OverallComparison[] all = [.. results.Comparisons.Where(comparison => comparison.Framework == framework.Name)];
        if (all.Length == 0)
            return WithoutInterval(results, framework);
        OverallComparison[] listed = all.Length <= MostArmsToList ? all : [.. Striking(all)];
        string differences = List(listed.Index().Select(item =>
            $"{item.Item.Arm}{(item.Index == 0 ? $" differs from {baseline}" : "")} by {Points(item.Item.Difference, unit: item.Index == 0)}"));
        string others = listed.Length < all.Length ? $" (the intervals of the other {all.Length - listed.Length} arms hold zero)" : "";
        return $"{framework.Name}: over {SeedsOf(all)}, on {Average(results)}, {differences}{others}: {Conclusion(all, baseline)}.";
    }

    /// <summary>Of many arms, those that have anything to show, and the largest difference in any case.</summary>
    private static IEnumerable<OverallComparison> Striking(OverallComparison[] all)
    {
        OverallComparison largest = all.MaxBy(comparison => Math.Abs(comparison.Difference.Mean))!;
        return all.Where(comparison => comparison == largest || comparison.Difference.ExcludesZero);
    }

    private static string Conclusion(OverallComparison[] all, string baseline)
    {
        string[] better = [.. all.Where(comparison => comparison is { IsClear: true, Difference.Mean: > 0 }).Select(comparison => comparison.Arm)];
        string[] worse = [.. all.Where(comparison => comparison is { IsClear: true, Difference.Mean: < 0 }).Select(comparison => comparison.Arm)];
        OverallComparison[] doubtful = [.. all.Where(comparison => comparison.Difference.ExcludesZero && !comparison.IsClear)];
        List<string> parts = [];
        if (better.Length > 0)
            parts.Add($"{List(better)} {Are(better)} better than {baseline}{(better.Length > 1 ? ", and which of them is best was not tested" : "")}");
        if (worse.Length > 0)
            parts.Add($"{List(worse)} {Are(worse)} worse than {baseline}");
        if (doubtful.Length > 0)
            parts.Add($"{List(doubtful.Select(Holms))} {(doubtful.Length == 1 ? "stands" : "stand")} out only if the study's other comparisons are not counted");
        if (better.Length == 0)
            parts.Add("no winner can be named");
        return string.Join("; ", parts);
    }

    private static string WithoutInterval(StudyResults results, FrameworkResults framework)
    {
        string baseline = results.Config.Baseline;
        string[] single =
        [
            .. from arm in framework.Arms
               where results.Scopes.Count > 0
               let difference = arm.Linear.ToBaseline[^1]
               where difference is not null
               select $"{arm.Name} {Points(difference, unit: true)} (seed {difference.Seeds[0].Seed})",
        ];
        return single.Length == 0
            ? $"{framework.Name}: no arm can be compared with {baseline} yet."
            : $"{framework.Name}: with one seed there is no interval and no claim; differences from {baseline} on {Average(results)}: {string.Join(", ", single)}.";
    }

    private static string Floor(StudyResults results, FrameworkResults framework)
    {
        OverallComparison[] all = [.. results.ComparisonsToUntrained.Where(comparison => comparison.Framework == framework.Name)];
        if (all.Length == 0)
            return $"{framework.Name}: whether pre-training beats the untrained network cannot be said yet.";
        string[] better = Named(all.Where(comparison => comparison is { IsClear: true, Difference.Mean: > 0 }));
        string[] worse = Named(all.Where(comparison => comparison is { IsClear: true, Difference.Mean: < 0 }));
        string[] unclear = Named(all.Where(comparison => !comparison.IsClear));
        string[] parts =
        [
            .. better.Length > 0 ? [$"better: {List(better)}"] : Array.Empty<string>(),
            .. worse.Length > 0 ? [$"worse: {List(worse)}"] : Array.Empty<string>(),
            .. unclear.Length > 0 ? [$"not clear: {List(unclear)}"] : Array.Empty<string>(),
        ];
        return $"{framework.Name}, points against the untrained network on {Average(results)}: {string.Join("; ", parts)}.";

        static string[] Named(IEnumerable<OverallComparison> some) => [.. some.Select(comparison => $"{comparison.Arm} by {Points(comparison.Difference, unit: false)}")];
    }

    private static string Points(SeedEstimate difference, bool unit)
    {
        string points = unit ? " points" : "";
        if (difference.Interval is not { } interval)
            return IntervalText.Difference(difference.Mean) + points;
        IntervalText text = IntervalText.OfDifference(interval);
        return $"{text.Value}{points} ({text.Low} to {text.High})";
    }

    private static string Average(StudyResults results) => results.Scopes[^1].Tasks is [string only] ? only : $"the average of {results.Scopes[^1].Tasks.Count} tasks";

    private static string SeedsOf(OverallComparison[] all)
    {
        int least = all.Min(comparison => comparison.Difference.Seeds.Count), most = all.Max(comparison => comparison.Difference.Seeds.Count);
        return least == most ? $"{most} seeds" : $"{least} to {most} seeds";
    }

    private static string Are(string[] arms) => arms.Length == 1 ? "is" : "are";

    private static string Counted(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";

    private static string List(IEnumerable<string> items) => items.ToArray() switch
    {
        [] => "",
        [string only] => only,
        [.. string[] first, string last] => $"{string.Join(", ", first)} and {last}",
    };

    private static string Holms(OverallComparison comparison) => $"{comparison.Arm} (p {PText(comparison.AdjustedPValue)} by Holm)";

    /// <summary>A p value; three decimals, more where it would else read as the level itself.</summary>
    internal static string PText(double p)
    {
        if (p < 0.001)
            return "<0.001";
        int digits = 3;
        while (p != OverallComparison.Level && digits < 15 && Math.Round(p, digits) == OverallComparison.Level)
            digits++;
        return p.ToString($"F{digits}", CultureInfo.InvariantCulture);
    }
}

using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.App.Reports;

/// <summary>The part of a study's page that hands out its numbers.</summary>
internal static class StudyNumbers
{
    /// <summary>Links to all scores, to their summary and to the costs as CSV; charts have links of their own.</summary>
    public static Html Downloads(HtmlPage page, StudyContents study) => Html.Of(
        $"""
        <p>As CSV, from this page itself. Every chart has its own link, too.</p>
        {ReportParts.Download(page, "All scores", Scores(study))}
        {ReportParts.Download(page, "Means, intervals and differences", Summary(study.Results))}
        {ReportParts.Download(page, "Costs", Costs(study.Results))}
        """);

    private static IEnumerable<object?[]> Scores(StudyContents study) =>
    [
        ["framework", "arm", "seed", "steps", "task", "family", "metric", "probe", "probe seed", "score", "fingerprint"],
        .. study.Rows.Select(row => (object?[])[row.Framework, row.Arm, row.Seed, row.Steps, row.Task, row.Family, row.Metric, row.Probe, row.ProbeSeed, row.Score, row.Fingerprint]),
    ];

    private static IEnumerable<object?[]> Summary(StudyResults results) =>
    [
        ["framework", "arm", "probe", "kind", "name", "tells", "seeds", "mean", "low", "high"],
        .. from framework in results.Frameworks
           from arm in framework.Arms
           from probe in ((string Name, ArmScores Scores)[])[("linear", arm.Linear), (StudyRow.Knn, arm.Knn), .. arm.More]
           from told in new[] { (Name: "score", Values: probe.Scores.Scores), (Name: "over baseline", Values: probe.Scores.ToBaseline), (Name: "over untrained", Values: probe.Scores.ToUntrained) }
           from scope in results.Scopes.Index()
           let estimate = told.Values[scope.Index]
           where estimate is not null
           select (object?[])
           [
               framework.Name, arm.Name, probe.Name, scope.Item.Kind.ToString().ToLowerInvariant(), scope.Item.Name, told.Name, estimate.Seeds.Count,
               Digits(estimate.Mean), Digits(estimate.Interval?.Low), Digits(estimate.Interval?.High),
           ],
    ];

    private static IEnumerable<object?[]> Costs(StudyResults results) =>
    [
        ["framework", "arm", "steps", "run minutes", "step ms", "mask ms a batch", "masks in step", "clips per second", "gflop a clip", "peak mb"],
        .. from framework in results.Frameworks
           from arm in framework.Arms
           where arm.Cost is not null
           let cost = arm.Cost!.Measured
           select (object?[])
           [
               framework.Name, arm.Name, arm.Cost!.Steps, Digits(arm.Cost.RunMinutes), cost.StepMs, cost.MaskMs, cost.MasksInStep ? "yes" : "no",
               cost.ClipsPerSecond, cost.GigaflopsPerClip, cost.PeakMegabytes,
           ],
    ];

    private static double? Digits(double? value) => value is { } number ? Math.Round(number, 4) : null;
}

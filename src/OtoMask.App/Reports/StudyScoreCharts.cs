using System.Globalization;
using OtoMask.Evaluation;
using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.App.Reports;

/// <summary>The parts of a study's page that show scores and their differences.</summary>
internal static class StudyScoreCharts
{
    /// <summary>Scores of every arm: families and all tasks on one chart, tasks on another, nearest neighbours on a third.</summary>
    public static Html Scores(HtmlPage page, StudyContents study)
    {
        int[] tasks = ScopesOf(study, task: true), averages = ScopesOf(study, task: false);
        return Html.Of(
            $"""
            <p>Mean over the seeds; whiskers are 95 % intervals over them. A family is the mean of its tasks.</p>
            {Html.Each(study.Results.Frameworks, framework => Html.Of(
                $"""
                <h3>{framework.Name}</h3>
                <div class="charts">
                {Chart(page, study, $"{framework.Name}: families and overall", "Linear probe.", framework.Arms, averages, arm => arm.Linear.Scores)}
                {Chart(page, study, $"{framework.Name}: k-NN, families and overall", "Ten nearest neighbours: nothing is fitted.", framework.Arms, averages, arm => arm.Knn.Scores)}
                {Html.Each(study.Config.MoreProbes.Index(), probe => Chart(
                    page, study, $"{framework.Name}: {probe.Item}, families and overall", ExplanationOf(probe.Item), framework.Arms, averages, arm => arm.More[probe.Index].Scores.Scores))}
                </div>
                <div class="charts wide">
                {Chart(page, study, $"{framework.Name}: tasks", "Linear probe.", framework.Arms, tasks, arm => arm.Linear.Scores)}
                </div>
                """))}
            """);
    }

    /// <summary>What every arm has over the baseline, as charts around zero and as a table.</summary>
    public static Html Differences(HtmlPage page, StudyContents study)
    {
        int[] tasks = ScopesOf(study, task: true), averages = ScopesOf(study, task: false);
        return Html.Of(
            $"""
            <p>Points over <code>{study.Config.Baseline}</code> under the linear probe, paired by seed. Right of zero is better. An interval that holds zero
            claims nothing: <span style="color:var(--good)">clearly better</span>, <span style="color:var(--bad)">clearly worse</span>, or not known.</p>
            {Html.Each(study.Results.Frameworks, framework => Html.Of(
                $"""
                <h3>{framework.Name}</h3>
                <div class="charts">
                {Chart(page, study, $"{framework.Name}: families and overall, difference", "Dot: mean of the paired differences.", Compared(framework), averages, arm => arm.Linear.ToBaseline, isDifference: true)}
                {Chart(page, study, $"{framework.Name}: tasks, difference", "Dot: mean of the paired differences.", Compared(framework), tasks, arm => arm.Linear.ToBaseline, isDifference: true)}
                </div>
                {Table(study, framework, averages)}
                """))}
            """);
    }

    private static string ExplanationOf(string probe) => probe switch
    {
        StudyRow.Attentive => "Attentive probe: learnt queries choose among the patches of a clip.",
        StudyRow.FineTuned => "The whole encoder trained further on the task, with a head.",
        _ => "Prototypes of so few clips a class: nothing is fitted.",
    };

    /// <summary>The estimate as a chart draws it: one seed has a dot and no whisker.</summary>
    public static Estimate? Drawn(SeedEstimate? estimate) => estimate is null ? null
        : estimate.Interval is { } interval ? new Estimate(interval.Value, interval.Low, interval.High)
        : new Estimate(estimate.Mean, estimate.Mean, estimate.Mean);

    private static Html Chart(
        HtmlPage page, StudyContents study, string title, string explanation, IReadOnlyList<ArmResults> arms, int[] scopes,
        Func<ArmResults, IReadOnlyList<SeedEstimate?>> values, bool isDifference = false)
    {
        IReadOnlyList<StudyScope> all = study.Results.Scopes;
        string metric = scopes.Select(scope => all[scope].Metric).Distinct().ToArray() is [string only] ? only : "score";
        EstimateSeries[] series =
        [
            .. from arm in arms
               let estimates = scopes.Select(scope => Drawn(values(arm)[scope])).ToArray()
               where estimates.Any(estimate => estimate is not null)
               select new EstimateSeries(arm.Name, estimates, study.StyleOf(arm.Name)),
        ];
        return series.Length == 0
            ? Html.Of($"""<p class="note">{title}: nothing was measured yet.</p>""")
            : Charts.Intervals(page, title, explanation, isDifference ? $"points of {metric}" : $"{metric}, %", [.. scopes.Select(scope => all[scope].Name)], series, isDifference);
    }

    private static Html Table(StudyContents study, FrameworkResults framework, int[] scopes) => Html.Of(
        $"""
        <div class="table"><table>
        <thead><tr><th>arm</th>{Html.Each(scopes, scope => Html.Of($"""<th class="number">{study.Results.Scopes[scope].Name}</th>"""))}
        <th class="number">overall, p adjusted</th><th class="number">overall, over untrained</th></tr></thead>
        <tbody>{Html.Each(framework.Arms.Where(arm => arm.IsTrained), arm => Html.Of(
            $"""
            <tr><th>{arm.Name}</th>{Html.Each(scopes, scope => Cell(arm.Linear.ToBaseline[scope]))}
            <td class="number">{AdjustedP(study, framework, arm)}</td>{Cell(arm.Linear.ToUntrained[study.Results.Overall])}</tr>
            """))}</tbody>
        </table></div>
        """);

    private static string AdjustedP(StudyContents study, FrameworkResults framework, ArmResults arm) =>
        study.Results.Comparisons.FirstOrDefault(comparison => comparison.Framework == framework.Name && comparison.Arm == arm.Name) is { } known
            ? known.AdjustedPValue.ToString(known.AdjustedPValue < 0.001 ? "0.0e0" : "0.000", CultureInfo.InvariantCulture)
            : "–";

    private static Html Cell(SeedEstimate? difference) => difference is { Interval: null }
        ? Html.Of($"""<td class="number">{IntervalText.Difference(difference.Mean).Replace('-', '−')}<span class="interval">one seed</span></td>""")
        : ReportParts.DifferenceCell(difference?.Interval);

    private static ArmResults[] Compared(FrameworkResults framework) => [.. framework.Arms.Where(arm => arm.IsTrained && arm.Name != framework.Baseline)];

    private static int[] ScopesOf(StudyContents study, bool task) =>
        [.. study.Results.Scopes.Index().Where(scope => scope.Item.Kind == ScopeKind.Task == task).Select(scope => scope.Index)];
}

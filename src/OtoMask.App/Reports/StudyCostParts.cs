using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.App.Reports;

/// <summary>The part of a study's page that says what arms cost, and what they give for it.</summary>
internal static class StudyCostParts
{
    /// <summary>Accuracy against the minutes of a run, and the table of costs.</summary>
    public static Html Costs(HtmlPage page, StudyContents study) => Html.Of(
        $"""
        <p>Costs were measured before the runs, in processes of their own. Masks that read the input are drawn by loader threads beside the step;
        those that read the encoder hold the step up.</p>
        <div class="charts">{Html.Each(study.Results.Frameworks, framework => AgainstCost(page, study, framework))}</div>
        {Html.Each(study.Results.Frameworks.Where(framework => framework.Arms.Any(arm => arm.Cost is not null)), framework => Table(study, framework))}
        """);

    private static Html AgainstCost(HtmlPage page, StudyContents study, FrameworkResults framework)
    {
        if (study.Results.Scopes.Count == 0)
            return Html.Empty;
        int overall = study.Results.Overall;
        Dot[] dots =
        [
            .. from arm in framework.Arms
               let score = StudyScoreCharts.Drawn(arm.Linear.Scores[overall])
               where score is not null && (arm.Cost is not null || !arm.IsTrained)
               select new Dot(arm.Name, arm.Cost?.RunMinutes ?? 0, score.Value, study.StyleOf(arm.Name)),
        ];
        IEnumerable<(string, string)> links = from dot in dots
                                              let own = StudyPlan.ArmOf(dot.Name)
                                              where own != dot.Name && dots.Any(other => other.Name == own)
                                              select (dot.Name, own);
        return dots.Length == 0 ? Html.Empty : Charts.Scatter(
            page, $"{framework.Name}: {study.Results.Scopes[overall].Metric} against cost", "Dashed: the same arm with the baseline's time and with its own.",
            "minutes of a run", $"overall {study.Results.Scopes[overall].Metric}, %", dots, links);
    }

    private static Html Table(StudyContents study, FrameworkResults framework) => Html.Of(
        $"""
        <h3>{framework.Name}</h3>
        <div class="table"><table>
        <thead><tr><th>arm</th><th class="number">steps</th><th class="number">run, min</th><th class="number">× {study.Config.Baseline}</th><th class="number">step, ms</th>
        <th class="number">masking, ms a batch</th><th class="number">of the step</th><th class="number">clips/s</th><th class="number">GFLOP a clip</th><th class="number">peak MB</th></tr></thead>
        <tbody>{Html.Each(framework.Arms.Where(arm => arm.Cost is not null), arm => Row(framework, arm, arm.Cost!))}</tbody>
        </table></div>
        """);

    private static Html Row(FrameworkResults framework, ArmResults arm, ArmCost cost) => Html.Of(
        $"""
        <tr><th>{arm.Name}</th><td class="number">{cost.Steps:N0}</td><td class="number">{cost.RunMinutes:0.0}</td>
        <td class="number">{framework.RelativeCost(arm, one => one.RunMinutes) ?? double.NaN:0.00}</td><td class="number">{cost.Measured.StepMs:0.0}</td>
        <td class="number">{cost.Measured.MaskMs:0.00}</td><td class="number">{100 * cost.MaskShare:0.0} %<span class="interval">{(cost.Measured.MasksInStep ? "in it" : "beside it")}</span></td>
        <td class="number">{cost.Measured.ClipsPerSecond:0}</td><td class="number">{cost.Measured.GigaflopsPerClip:0.00}</td><td class="number">{cost.Measured.PeakMegabytes:N0}</td></tr>
        """);
}

using System.Globalization;
using OtoMask.Models;
using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.App.Reports;

/// <summary>The page of a study: the answer, and every number under it.</summary>
internal static class StudyReport
{
    /// <summary>The whole page, also of a study that is not finished: it says how much is missing.</summary>
    /// <param name="study">What its folder holds.</param>
    /// <returns>One self-contained HTML page.</returns>
    public static string Build(StudyContents study)
    {
        HtmlPage page = new("Which masking strategy, at what cost, on which tasks?", Html.Of(
            $"""
            {Count(study.Config.Arms.Count, "masking strategy", "masking strategies")}, {Count(study.Config.Frameworks.Count, "framework", "frameworks")},
            {Count(study.Config.Seeds.Count, "seed", "seeds")}: every network is pre-trained alike but for its masks, frozen, and judged by a linear probe on
            {Count(study.Config.Tasks.Count, "task", "tasks")}, beside its untrained self.
            """))
        { Kind = $"study {study.Name}" };
        page.AddSection("answer", "The answer", Answer(study));
        if (study.Results.Scopes.Count > 0)
        {
            page.AddSection("scores", "Scores", StudyScoreCharts.Scores(page, study));
            page.AddSection("differences", "Differences", StudyScoreCharts.Differences(page, study));
        }
        page.AddSection("cost", "Cost", StudyCostParts.Costs(page, study));
        page.AddSection("training", "Training", StudyTrainingCharts.Training(page, study));
        page.AddSection("masks", "Masks", StudyMaskParts.Gallery(page, study));
        if (study.Masks is not null)
            page.AddSection("where", "Where they mask", StudyMaskParts.Where(page, study, study.Masks));
        if (study.Confusions.Count > 0)
            page.AddSection("confusions", "Confusions", StudyConfusionPart.Confusions(page, study));
        page.AddSection("numbers", "All numbers", StudyNumbers.Downloads(page, study));
        page.AddSection("reading", "How to read this", Reading(study.Config));
        page.AddSection("config", "Configuration", Html.Of($"<pre><code>{study.Yaml}</code></pre>"));
        if (study.Provenance is not null)
            page.AddSection("provenance", "Data and machine", Provenance(study.Provenance, study.Bf16));
        return page.Render();
    }

    private static Html Answer(StudyContents study)
    {
        StudyResults results = study.Results;
        int runs = study.Config.Frameworks.Count * study.Config.ArmNames.Count * study.Config.Seeds.Count;
        int begun = (
            from row in study.Rows
            where study.Config.Frameworks.Any(framework => framework.Name == row.Framework) && study.Config.ArmNames.Contains(row.Arm) && study.Config.Seeds.Contains(row.Seed)
            select (row.Framework, row.Arm, row.Seed)).Distinct().Count();
        Html missing = results.Missing.Count == 0 ? Html.Empty : Html.Of(
            $"""
            <div class="callout bad" role="note"><p><b>This study is not complete.</b> {begun} of {runs} runs were probed; what is missing:</p>
            <ul>{Html.Each(results.Missing, line => Html.Of($"<li>{line}</li>"))}</ul></div>
            """);
        return Html.Of(
            $"""
            {Html.Each(StudyVerdict.Of(results), verdict => Html.Of($"""<p class="answer">{verdict.Answer}</p><p class="note">{verdict.Floor}</p>"""))}
            {missing}
            {ReportParts.Facts(
            [
                ("frameworks", $"{study.Config.Frameworks.Count}"), ("arms", $"{study.Config.Arms.Count}"), ("seeds", $"{study.Config.Seeds.Count}"),
                ("tasks", $"{study.Config.Tasks.Count}"), ("runs probed", $"{begun} of {runs}"),
            ])}
            <p class="note">{StudyVerdict.Multiplicity(results)}</p>
            {(results.LeftOut == 0 ? Html.Empty : Html.Of($"""<p class="note">Left out: {Count(results.LeftOut, "row", "rows")} of an arm, seed, task or probe that the study does not name.</p>"""))}
            """);
    }

    private static Html Reading(StudyConfig config) => Html.Of(
        $"""
        <ul>
        <li><b>A replicate is a pre-training seed.</b> Probe seeds and tasks are averaged within it; whiskers are 95 % intervals over the
        {config.Seeds.Count} seeds by Student's t. They say what other seeds would give on these clips, not what other clips would.</li>
        <li><b>Differences are paired.</b> At one seed all arms have the same first weights and see the same crops in the same order, so an
        interval of a difference is sharper than the intervals of the two scores.</li>
        <li><b>Look at the untrained network.</b> An untrained transformer already scatters sounds well enough for a linear probe; only the
        distance from it says something about pre-training.</li>
        <li><b>Equal time.</b> An arm "{StudyPlan.EqualTimeSuffix.Trim()}" had only as many steps as <code>{config.Baseline}</code>'s time allows.</li>
        </ul>
        """);

    private static Html Provenance(StudyProvenance provenance, Bf16Choice? bf16) => Html.Of(
        $"""
        <div class="table"><table>
        <thead><tr><th>task</th><th>family</th><th class="number">classes</th><th class="number">clips</th><th class="number">test clips</th><th>hash</th></tr></thead>
        <tbody>{Html.Each(provenance.Tasks, task => Html.Of(
            $"""
            <tr><th>{task.Name}</th><td>{task.Family}</td><td class="number">{task.Classes}</td><td class="number">{task.Clips:N0}</td>
            <td class="number">{task.TestClips:N0}</td><td><code>{task.Hash[..Math.Min(16, task.Hash.Length)]}</code></td></tr>
            """))}</tbody>
        </table></div>
        {ReportParts.Pairs(
        [
            ("clips to pre-train on", provenance.PoolClips.ToString("N0", CultureInfo.InvariantCulture)), ("hash of that list", provenance.PoolHash),
            ("OtoMask", provenance.Version), ("machine", provenance.Machine),
            .. bf16 is null ? [] : new[] { ("bfloat16", bf16.Told) },
        ])}
        """);

    private static string Count(int count, string one, string many) => $"{count} {(count == 1 ? one : many)}";
}

using OtoMask.Runs;

namespace OtoMask.App.Reports;

/// <summary>The part of a study's page that shows how training went.</summary>
internal static class StudyTrainingCharts
{
    private const int PointsOfMean = 150;

    /// <summary>Loss and every metric of the evaluations over the steps: an arm's mean over its finished seeds, and each seed thinly under it.</summary>
    public static Html Training(HtmlPage page, StudyContents study) => study.Logs.Count == 0
        ? Html.Of($"<p>No run has left its log in this folder.</p>")
        : Html.Of(
            $"""
            <p>Thick: mean over the seeds that are finished. Thin: each seed. A harder mask gives a higher loss, so compare the shapes of losses and not their
            levels. RankMe is the number of dimensions that the embeddings use: a fall towards 1 would be collapse.</p>
            {Html.Each(study.Logs.GroupBy(log => log.Framework), framework => Html.Of(
                $"""
                <h3>{framework.Key}</h3>
                <div class="charts">
                {Chart(page, study, $"{framework.Key}: loss", framework, log => log.Steps.Select(step => ((double)step.Step, step.Loss)))}
                {Html.Each(Metrics(framework), metric => Chart(page, study, $"{framework.Key}: {MetricNames.FullTitleOf(metric)}", framework,
                    log => log.Evaluations.Where(row => row.Metric == metric).Select(row => ((double)row.Step, row.Value))))}
                </div>
                """))}
            """);

    private static Html Chart(
        HtmlPage page, StudyContents study, string title, IEnumerable<StudyRunLog> logs, Func<RunLog, IEnumerable<(double X, double Y)>> pointsOf)
    {
        Curve[] curves = [.. logs.GroupBy(log => log.Arm).SelectMany(arm => Curves(study, arm, pointsOf))];
        return curves.Length == 0 ? Html.Empty : Charts.Lines(page, title, "", "step", curves);
    }

    /// <summary>The mean of an arm's finished seeds, then its seeds.</summary>
    private static IEnumerable<Curve> Curves(StudyContents study, IGrouping<string, StudyRunLog> arm, Func<RunLog, IEnumerable<(double X, double Y)>> pointsOf)
    {
        (ulong Seed, (double X, double Y)[] Points)[] seeds = [.. arm.Select(log => (log.Seed, pointsOf(log.Log).ToArray())).Where(seed => seed.Item2.Length > 0)];
        if (seeds.Length == 0)
            yield break;
        double last = seeds.Max(seed => seed.Points[^1].X);
        (double, double)[] mean =
        [
            .. from point in seeds.Where(seed => seed.Points[^1].X == last).SelectMany(seed => seed.Points)
               group point.Y by point.X into step
               orderby step.Key
               select (step.Key, step.Average()),
        ];
        int style = study.StyleOf(arm.Key);
        yield return new Curve(arm.Key, [.. Charts.Thin(mean, PointsOfMean)]) { Style = style };
        foreach ((ulong seed, (double, double)[] points) in seeds.Length > 1 ? seeds : [])
            yield return new Curve(arm.Key, points) { Style = style, Member = $"seed {seed}" };
    }

    private static IEnumerable<string> Metrics(IEnumerable<StudyRunLog> logs) => logs.SelectMany(log => log.Log.Evaluations).Select(row => row.Metric).Distinct();
}

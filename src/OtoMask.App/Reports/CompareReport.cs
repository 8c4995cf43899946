using System.Globalization;
using OtoMask.Configuration;
using OtoMask.Runs;

namespace OtoMask.App.Reports;

/// <summary>The page of <c>otomask compare</c>: what differs between runs, and what came of it.</summary>
internal static class CompareReport
{
    /// <summary>The whole page.</summary>
    /// <param name="runs">At least one; their order decides colours.</param>
    /// <param name="probes">Probes to show beside the curves; may be empty.</param>
    /// <returns>One self-contained HTML page.</returns>
    public static string Build(IReadOnlyList<ComparedRun> runs, IReadOnlyList<ProbeFile> probes)
    {
        HtmlPage page = new(runs.Count == 1 ? runs[0].Name : $"{runs.Count} runs side by side", Html.Of(
            $"""
            What differs in their configurations, how they trained, where they stand. Losses of different masks are not comparable: some hide
            harder patches than others.
            """))
        { Kind = "comparison" };
        page.AddSection("differences", "What differs", Differences(runs));
        page.AddSection("numbers", "Last numbers", Numbers(page, runs));
        page.AddSection("curves", "Curves", Curves(page, runs));
        if (probes.Count > 0)
            page.AddSection("probes", "Probes", Probes(page, probes));
        return page.Render();
    }

    private static Html Differences(IReadOnlyList<ComparedRun> runs)
    {
        ConfigKey<PretrainingConfig>[] differing = [.. ConfigKeys.All.Where(key => runs.Select(run => key.Get(run.Config)).Distinct().Count() > 1)];
        return differing.Length == 0
            ? Html.Of($"<p>{(runs.Count == 1 ? "There is one run alone." : "Nothing: all have the same configuration.")}</p>")
            : Html.Of(
                $"""
                <div class="table"><table>
                <thead><tr><th>key</th>{Html.Each(runs, run => Html.Of($"<th>{run.Name}</th>"))}</tr></thead>
                <tbody>{Html.Each(differing, key => Html.Of(
                    $"""<tr><th><code>{key.Name}</code></th>{Html.Each(runs, run => Html.Of($"<td>{key.Get(run.Config) ?? "–"}</td>"))}</tr>"""))}</tbody>
                </table></div>
                """);
    }

    private static Html Numbers(HtmlPage page, IReadOnlyList<ComparedRun> runs)
    {
        string[] metrics = [.. Metrics(runs)];
        (string Name, Func<ComparedRun, double?> Value, string Format)[] columns =
        [
            ("steps", run => run.Log.Steps.Count > 0 ? run.Log.Steps[^1].Step : 0, "0"),
            ("loss of the last epoch", run => run.Metrics.FinalLoss, "0.0000"),
            .. metrics.Select(metric => (MetricNames.FullTitleOf(metric), (Func<ComparedRun, double?>)(run => run.Metrics.Evaluations.TryGetValue(metric, out double value) ? value : null), "0.###")),
            ("minutes", run => run.Metrics.Seconds / 60, "0.0"),
            ("clips/s", run => run.Metrics.Seconds > 0 ? run.Metrics.ClipsSeen / run.Metrics.Seconds : null, "0"),
        ];
        return Html.Of(
            $"""
            <div class="table"><table>
            <thead><tr><th>run</th>{Html.Each(columns, column => Html.Of($"""<th class="number">{column.Name}</th>"""))}</tr></thead>
            <tbody>{Html.Each(runs, run => Html.Of(
                $"""<tr><th>{run.Name}</th>{Html.Each(columns, column => Html.Of($"""<td class="number">{Text(column.Value(run), column.Format)}</td>"""))}</tr>"""))}</tbody>
            </table></div>
            {ReportParts.Download(page, "Last numbers", [["run", .. columns.Select(column => column.Name)], .. runs.Select(run => (object?[])[run.Name, .. columns.Select(column => (object?)column.Value(run))])])}
            """);
    }

    private static Html Curves(HtmlPage page, IReadOnlyList<ComparedRun> runs)
    {
        Html Chart(string title, bool smooth, Func<ComparedRun, IEnumerable<(double X, double Y)>> points)
        {
            Curve[] curves = [.. runs.Index().Select(run => new Curve(run.Item.Name, [.. points(run.Item)]) { Style = run.Index }).Where(curve => curve.Points.Count > 0)];
            return curves.Length == 0 ? Html.Empty : Charts.Lines(page, title, "", "step", curves, smooth);
        }
        Html Step(string title, bool smooth, Func<StepRecord, double?> value) =>
            Chart(title, smooth, run => run.Log.Steps.Select(step => ((double)step.Step, value(step) ?? double.NaN)));
        return Html.Of(
            $"""
            <div class="charts">
            {Step("Loss", smooth: true, step => step.Loss)}
            {Html.Each(Metrics(runs), metric => Chart(MetricNames.FullTitleOf(metric), smooth: false, run =>
                run.Log.Evaluations.Where(row => row.Metric == metric).Select(row => ((double)row.Step, row.Value))))}
            {Step("Gradient norm", smooth: true, step => step.GradientNorm)}
            {Step("Learning rate", smooth: false, step => step.LearningRate)}
            {Step("Hint ratio", smooth: false, step => step.Hint)}
            {Step("Clips per second", smooth: true, step => step.ClipsPerSecond)}
            </div>
            """);
    }

    /// <summary>The probes by task. A baseline that several files measured alike stands there once.</summary>
    private static Html Probes(HtmlPage page, IReadOnlyList<ProbeFile> probes)
    {
        (string Task, ProbedEncoder Encoder)[] scores = [.. probes.SelectMany(file => file.Encoders.Select(encoder => (file.Task, encoder))).Distinct()];
        string[] tasks = [.. scores.Select(score => score.Task).Distinct()], encoders = [.. scores.Select(score => score.Encoder.Encoder).Distinct()];
        EstimateSeries[] series = [.. encoders.Select(encoder => new EstimateSeries(encoder, [.. tasks.Select(task =>
            scores.Where(score => (score.Task, score.Encoder.Encoder) == (task, encoder)).Select(score => (Estimate?)score.Encoder.Score).FirstOrDefault())]))];
        return Html.Of(
            $"""
            <p>Linear evaluation with 95 % intervals over the probe's seeds. They say nothing of other pre-training seeds.</p>
            <div class="charts wide">{Charts.Intervals(page, "Probes", "", "score, %", tasks, series)}</div>
            <div class="table"><table>
            <thead><tr><th>task</th><th>encoder</th><th>mode</th><th>metric</th><th class="number">score, %</th><th class="number">k-NN, %</th></tr></thead>
            <tbody>{Html.Each(scores, score => Html.Of(
                $"""
                <tr><th>{score.Task}</th><td>{score.Encoder.Encoder}</td><td>{score.Encoder.Mode}</td><td>{score.Encoder.Metric}</td>
                <td class="number">{score.Encoder.Score.Value:0.0}<span class="interval">{score.Encoder.Score.Low:0.0} – {score.Encoder.Score.High:0.0}</span></td>
                <td class="number">{Text(score.Encoder.Knn, "0.0")}</td></tr>
                """))}</tbody>
            </table></div>
            """);
    }

    private static IEnumerable<string> Metrics(IReadOnlyList<ComparedRun> runs) => runs.SelectMany(run => run.Log.Evaluations).Select(row => row.Metric).Distinct();

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";
}

using System.Globalization;
using OtoMask.Runs;

namespace OtoMask.App.Reports;

/// <summary>The <c>report.html</c> of a pre-training run folder.</summary>
internal static class RunReport
{
    private const int MostBadFilesShown = 200;

    /// <summary>Writes the page into the run's folder.</summary>
    public static void Write(RunSummary run) => AtomicFile.WriteAllText(run.Folder.Report, Build(run));

    /// <summary>The whole page.</summary>
    /// <returns>One self-contained HTML page.</returns>
    public static string Build(RunSummary run)
    {
        HtmlPage page = new(run.Folder.Name, Html.Text(run.What)) { Kind = "pre-training run" };
        page.Add(Headline(run));
        page.Add(Html.Each(run.Warnings, warning => Html.Of($"""<div class="callout bad" role="alert"><p>{Wording.Of(warning)}</p></div>""")));
        page.AddSection("training", "Training", Training(page, run.Log.Steps));
        if (run.Log.Evaluations.Count > 0)
            page.AddSection("representation", "Representation", Representation(page, run.Log.Evaluations));
        page.AddSection("throughput", "Throughput", Throughput(page, run.Log.Steps));
        page.AddSection("bad-files", "Files left out", BadFiles(run.BadFiles));
        page.AddSection("config", "Configuration", Html.Of($"<pre><code>{run.Config}</code></pre>"));
        if (run.Environment.Count > 0)
            page.AddSection("environment", "Environment", ReportParts.Pairs(run.Environment));
        return page.Render();
    }

    private static Html Headline(RunSummary run)
    {
        IReadOnlyList<StepRecord> steps = run.Log.Steps;
        if (steps.Count == 0)
            return Html.Of($"""<div class="callout"><p>No step has been logged yet.</p></div>""");
        StepRecord last = steps[^1];
        return ReportParts.Facts(
        [
            ("steps", $"{last.Step:N0}"),
            ("epochs", $"{last.Epoch + 1}"), // begun, as the display counts them
            ("clips", $"{run.Clips:N0}"),
            ("last loss", $"{last.Loss:G4}"),
            ("clips per second", Speed(Mean(steps.Select(step => step.ClipsPerSecond)))),
            ("files left out", $"{run.BadFiles.Count:N0}"),
        ]);
    }

    internal static Html Training(HtmlPage page, IReadOnlyList<StepRecord> steps)
    {
        if (steps.Count == 0)
            return Html.Of($"<p>Nothing yet.</p>");
        List<Html> charts =
        [
            Charts.Lines(page, "Loss", "Faint: each step. It should fall, fast at first.", "step",
                [StepCurve("loss", steps, step => step.Loss)], smooth: true),
            Charts.Lines(page, "Learning rate", "Warm-up, then cosine.", "step",
                [StepCurve("learning rate", steps, step => step.LearningRate)], fromZero: true),
        ];
        if (steps.Any(step => step.Hint is not null))
            charts.Add(Charts.Lines(page, "Hint ratio", "1 = masks are random; towards 0 the strategy decides.", "step",
                [StepCurve("hint ratio", steps, step => step.Hint)], fromZero: true));
        if (steps.Any(step => step.GradientNorm is not null))
            charts.Add(Charts.Lines(page, "Gradient norm", "Before clipping. Spikes are normal, growth is not.", "step",
                [StepCurve("gradient norm", steps, step => step.GradientNorm)], smooth: true));
        if (steps.Any(step => step.Ema is not null))
            charts.Add(Charts.Lines(page, "How much the target network takes over", "1 - tau, the share of the online network in each step's average.", "step",
                [StepCurve("1 - tau", steps, step => 1 - step.Ema)]));
        return Html.Of($"""<div class="charts">{Html.Join(charts)}</div>""");
    }

    private static Html Representation(HtmlPage page, IReadOnlyList<EvaluationRecord> evaluations) => Html.Of(
        $"""
        <p>RankMe is the effective number of dimensions the embeddings use: a fall towards 1 means collapse. CEV-AUC is the area under the
        cumulative explained variance: it rises towards 1 when few dimensions carry everything.</p>
        <div class="charts">{Html.Each(evaluations.GroupBy(row => MetricNames.FamilyOf(row.Metric)), family => Charts.Lines(
            page, MetricNames.TitleOf(family.Key), "", "step",
            [.. family.GroupBy(row => row.Metric).Select(metric =>
                new Curve(MetricNames.MemberOf(metric.Key), [.. metric.Select(row => ((double)row.Step, row.Value))]))]))}</div>
        """);

    internal static Html Throughput(HtmlPage page, IReadOnlyList<StepRecord> steps)
    {
        if (!steps.Any(step => step.ClipsPerSecond is not null))
            return Html.Of($"<p>Not logged.</p>");
        return Html.Of(
            $"""
            <div class="charts">
            {Charts.Lines(page, "Clips per second", "", "step",
                [StepCurve("clips per second", steps, step => step.ClipsPerSecond)], smooth: true)}
            {Charts.Lines(page, "Time spent waiting for data", "In per cent. Above a few the loader is the bottleneck.", "step",
                [StepCurve("waiting", steps, step => 100 * step.DataWait)], smooth: true, fromZero: true)}
            </div>
            """);
    }

    internal static Html BadFiles(IReadOnlyList<string> files)
    {
        if (files.Count == 0)
            return Html.Of($"<p>None: every file could be read.</p>");
        Html rest = files.Count > MostBadFilesShown
            ? Html.Of($"<p>... and {files.Count - MostBadFilesShown} more, listed in the run folder.</p>")
            : Html.Empty;
        return Html.Of($"<ul>{Html.Each(files.Take(MostBadFilesShown), file => Html.Of($"<li><code>{file}</code></li>"))}</ul>{rest}");
    }

    private static Curve StepCurve(string name, IReadOnlyList<StepRecord> steps, Func<StepRecord, double?> value) =>
        new(name, [.. steps.Select(step => ((double)step.Step, value(step) ?? double.NaN))]);

    // Three digits, and no powers of ten for what is larger.
    private static string Speed(double value) => value >= 100 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("G3", CultureInfo.InvariantCulture);

    private static double Mean(IEnumerable<double?> values) =>
        values.OfType<double>().Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
}

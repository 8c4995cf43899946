using System.Globalization;
using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.FineTuning;
using OtoMask.Runs;

namespace OtoMask.App.Reports;

/// <summary>What the report of a fine-tuning tells.</summary>
internal sealed record FineTuningSummary
{
    /// <summary>Name of the run, usually its folder's.</summary>
    public required string Name { get; init; }

    /// <summary>Task, parts and configuration.</summary>
    public required FineTuningSetup Setup { get; init; }

    /// <summary>The rows of <c>log.jsonl</c>.</summary>
    public required RunLog Log { get; init; }

    /// <summary>The best epoch so far.</summary>
    public required BestEpoch? Best { get; init; }

    /// <summary>Its test, or null where the run was stopped before its end.</summary>
    public required FineTuningResult? Result { get; init; }

    /// <summary>Warnings of the run.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Machine and versions: name and value.</summary>
    public IReadOnlyList<(string Name, string Value)> Environment { get; init; } = [];
}

/// <summary>The <c>report.html</c> of a fine-tuning's run folder.</summary>
internal static class FineTuningReport
{
    /// <summary>The whole page.</summary>
    /// <returns>One self-contained HTML page.</returns>
    public static string Build(FineTuningSummary run)
    {
        FineTuningConfig config = run.Setup.Config;
        HtmlPage page = new(run.Name, Html.Text($"{run.Setup.Task.Name}, {run.Setup.Task.Classes.Count} classes, from {(config.Start == StartingWeights.Trained ? config.Checkpoint : "random weights")}"))
        {
            Kind = "fine-tuning",
        };
        page.Add(run.Result is { } result
            ? Html.Of($"""<div class="callout"><p>{Capital(Sentence(result, config))}.</p></div>""")
            : Html.Of($"""<div class="callout"><p>Stopped before its end: there is no test score yet.</p></div>"""));
        page.Add(ReportParts.Facts(Facts(run)));
        page.Add(Html.Each(run.Warnings, warning => Html.Of($"""<div class="callout bad" role="alert"><p>{Wording.Of(warning)}</p></div>""")));
        page.AddSection("training", "Training", RunReport.Training(page, run.Log.Steps));
        if (run.Log.Evaluations.Count > 0)
            page.AddSection("choosing", "Choosing the epoch", Choosing(page, run));
        page.AddSection("throughput", "Throughput", RunReport.Throughput(page, run.Log.Steps));
        page.AddSection("bad-files", "Files left out", RunReport.BadFiles([.. run.Setup.BadFiles.ToList().Select(bad => bad.ToString())]));
        page.AddSection("config", "Configuration", Html.Of($"<pre><code>{ConfigFile.ToYaml(config, FineTuningKeys.All)}</code></pre>"));
        page.AddSection("environment", "Environment", ReportParts.Pairs(run.Environment));
        return page.Render();
    }

    /// <summary>The result in one sentence that says how the epoch was chosen.</summary>
    public static string Sentence(FineTuningResult result, FineTuningConfig config)
    {
        string interval = result.OverClips is { } clips ? Text($" (95 % over clips {clips.Low:0.0} to {clips.High:0.0})") : "";
        string chosen = config.Mode == FineTuningMode.Strict ? Text($"chosen on validation ({result.Best.Score:0.0})") : "chosen on these test clips (optimistic)";
        return Text($"test {result.Metric} {result.Score:0.0} %{interval} of epoch {result.Best.Epoch} of {config.Epochs}, {chosen}");
    }

    private static IEnumerable<(string Name, string Value)> Facts(FineTuningSummary run)
    {
        ClipCounts counts = run.Setup.Counts;
        yield return ("clips to train on", $"{counts.Train:N0}");
        if (counts.Valid > 0)
            yield return ("to choose by", $"{counts.Valid:N0}");
        yield return ("to test on", $"{counts.Test:N0}");
        if (run.Best is { } best)
            yield return ("best epoch", $"{best.Epoch}");
        yield return ("files left out", $"{counts.Unreadable:N0}");
    }

    private static Html Choosing(HtmlPage page, FineTuningSummary run) => Html.Of(
        $"""
        <p>After every epoch, on the {(run.Setup.Config.Mode == FineTuningMode.Strict ? "validation" : "test")} clips. The epoch of the best score is the model; of equal ones that of the lower loss.</p>
        <div class="charts">{Html.Each(run.Log.Evaluations.GroupBy(row => MetricNames.FamilyOf(row.Metric)), family => Charts.Lines(
            page, Capital(family.Key == "loss" ? family.Key : $"{family.Key} %"), "", "step",
            [.. family.GroupBy(row => row.Metric).Select(metric => new Curve(MetricNames.MemberOf(metric.Key), [.. metric.Select(row => ((double)row.Step, row.Value))]))]))}</div>
        """);

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

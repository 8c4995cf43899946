using System.Text.Encodings.Web;
using System.Text.Json;
using OtoMask.FineTuning;
using OtoMask.Runs;

namespace OtoMask.App.Commands;

/// <summary>A fine-tuning as <c>metrics.json</c>: its score with what it was measured on and how.</summary>
internal static class FineTuningMetrics
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // names of files stay readable
    };

    /// <summary>The text of the file; without a score where the run was stopped.</summary>
    public static string ToJson(FineTuningSetup setup, FineTuner tuner, FineTuningResult? result, RunMetrics run) => JsonSerializer.Serialize(new
    {
        Task = setup.Task.Name,
        TaskSha256 = setup.TaskHash,
        setup.Config.Fold,
        Mode = FineTuningKeys.NameOf(setup.Config.Mode),
        Metric = FineTuningResult.MetricOf(setup.Task),
        Value = result?.Score,
        Interval95OverClips = result?.OverClips is { } interval ? (double[])[interval.Low, interval.High] : null,
        tuner.Best,
        setup.Config.Seed,
        setup.Counts,
        setup.Notes,
        Step = tuner.StepsDone,
        tuner.TotalSteps,
        run.FinalLoss,
        Seconds = Math.Round(run.Seconds, 2),
    }, Layout) + "\n";
}

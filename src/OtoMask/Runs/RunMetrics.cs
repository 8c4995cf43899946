using System.Text.Json;
using System.Text.Json.Nodes;

namespace OtoMask.Runs;

/// <summary>The numbers that a run ends with, as <c>metrics.json</c> holds them.</summary>
/// <param name="FinalLoss">Mean loss of the steps of the last epoch.</param>
/// <param name="ClipsSeen">Clips trained on, repetitions included.</param>
/// <param name="Seconds">Time of all steps, waiting for data included, preparation and evaluations not.</param>
/// <param name="Evaluations">The last value of every metric.</param>
public sealed record RunMetrics(double? FinalLoss, long ClipsSeen, double Seconds, IReadOnlyDictionary<string, double> Evaluations)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The numbers of a log.</summary>
    /// <param name="log">Every step so far, those before a resume too.</param>
    /// <param name="clipsPerStep">Batch times accumulation.</param>
    public static RunMetrics Of(RunLog log, int clipsPerStep)
    {
        double[] last = [.. log.Steps.Where(step => step.Epoch == log.Steps[^1].Epoch && double.IsFinite(step.Loss)).Select(step => step.Loss)];
        return new RunMetrics(
            last.Length > 0 ? last.Average() : null,
            (long)log.Steps.Count * clipsPerStep,
            log.Steps.Sum(step => step.ClipsPerSecond is > 0 and double speed ? clipsPerStep / speed : 0),
            log.Evaluations.GroupBy(row => row.Metric).ToDictionary(rows => rows.Key, rows => rows.Last().Value));
    }

    /// <summary>The text of <c>metrics.json</c>.</summary>
    internal string ToJson(long step, long totalSteps, int clips, int badFiles)
    {
        var evaluations = new JsonObject();
        foreach ((string metric, double value) in Evaluations)
            evaluations[metric] = double.IsFinite(value) ? value : null;
        return new JsonObject
        {
            ["final_loss"] = FinalLoss,
            ["evaluations"] = evaluations,
            ["step"] = step,
            ["total_steps"] = totalSteps,
            ["clips"] = clips,
            ["bad_files"] = badFiles,
            ["clips_seen"] = ClipsSeen,
            ["seconds"] = Math.Round(Seconds, 2),
            ["clips_per_second"] = Seconds > 0 ? Math.Round(ClipsSeen / Seconds, 2) : null,
        }.ToJsonString(Indented) + "\n";
    }
}

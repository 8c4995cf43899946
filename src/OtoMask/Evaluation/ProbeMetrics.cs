using System.Text.Encodings.Web;
using System.Text.Json;
using OtoMask.Data;

namespace OtoMask.Evaluation;

/// <summary>One embedding's linear evaluation, with its k-NN score in %.</summary>
/// <param name="Probe">The linear evaluation.</param>
/// <param name="Knn">k-nearest-neighbour score.</param>
/// <param name="FewShot">What a few clips a class tell, for each number of them that was asked for.</param>
/// <param name="Attentive">Attentive evaluation, where it was asked for; null for what has no tokens.</param>
internal sealed record EmbeddingScores(ProbeResult Probe, double Knn, IReadOnlyList<PrototypeResult> FewShot, ProbeResult? Attentive);

/// <summary>Evaluations of one task as the JSON of <c>otomask probe --out</c>: every number with what it was measured on and how.</summary>
internal static class ProbeMetrics
{
    private static readonly JsonSerializerOptions Layout = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // names of files stay readable
    };

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">Where it is to lie.</param>
    /// <param name="task">The task; the file names its SHA-256, so that a score is tied to what it was measured on.</param>
    /// <param name="scores">The encoder's scores first, then those of its baselines.</param>
    /// <param name="unreadable">The clips that were left out.</param>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(string path, LabelledTask task, IReadOnlyList<EmbeddingScores> scores, BadFiles unreadable)
    {
        var file = new
        {
            Task = task.Name,
            TaskSha256 = InputFile.HashOf(task.CsvPath),
            Results = scores.SelectMany(Rows),
            Differences = task.IsMultiLabel ? [] : scores.Skip(1).Select(baseline => Difference(scores[0], baseline)),
            Unreadable = unreadable.ToList(),
        };
        AtomicFile.WriteAllText(path, JsonSerializer.Serialize(file, Layout) + "\n");
    }

    private static IEnumerable<object> Rows(EmbeddingScores scores)
    {
        ProbeResult probe = scores.Probe;
        yield return Row("linear", probe);
        if (scores.Attentive is { } attentive)
            yield return Row("attentive", attentive);
        yield return new
        {
            Encoder = probe.Embedding,
            Evaluation = "knn",
            Mode = $"k={NearestNeighbours.Neighbours}",
            probe.Metric,
            Value = scores.Knn,
            Counts = probe.Counts with { Train = probe.Counts.Train + probe.Counts.Valid, Valid = 0 },
        };
        foreach (PrototypeResult few in scores.FewShot)
        {
            yield return new
            {
                Encoder = probe.Embedding,
                Evaluation = "prototype",
                Mode = $"{few.Shots}-shot",
                probe.Metric,
                few.Score.Value,
                few.Episodes,
                Interval95OverEpisodes = Ends(few.Score),
            };
        }
    }

    private static object Row(string evaluation, ProbeResult probe) => new
    {
        Encoder = probe.Embedding,
        Evaluation = evaluation,
        Mode = probe.Mode.ToString().ToLowerInvariant(),
        probe.Metric,
        probe.Score.Value,
        Interval95OverSeeds = Ends(probe.Score),
        Interval95OverClips = probe.Task.IsMultiLabel ? null : Ends(Intervals.OverClips(probe)),
        Seed = probe.Runs.Select(run => run.Seed),
        probe.Counts,
        Runs = probe.Runs.Select(run => new { run.Seed, Value = run.Score, run.Settings, run.Epochs }),
        probe.Notes,
    };

    private static object Difference(EmbeddingScores encoder, EmbeddingScores baseline)
    {
        Interval gain = Intervals.PairedDifference(encoder.Probe, baseline.Probe);
        return new { Encoder = encoder.Probe.Embedding, Baseline = baseline.Probe.Embedding, gain.Value, Interval95OverClips = Ends(gain) };
    }

    private static double[] Ends(Interval interval) => [interval.Low, interval.High];
}

using OtoMask.Evaluation;

namespace OtoMask.Studies;

/// <summary>Makes the lines of a study's files of what a probe found.</summary>
internal static class StudyScores
{
    /// <summary>A row for each probe, of those with seeds for each seed, and one for a fine-tuning.</summary>
    public static IEnumerable<StudyRow> Rows(StudyPlan plan, StudyCell cell, StudyTask task, EmbeddingScores scores, double? fineTuned)
    {
        ProbeResult probe = scores.Probe;
        StudyRow RowOf(string fingerprint, string kind, ulong? seed, double score) => new(
            cell.Framework, cell.Arm, cell.Seed, cell.Steps, task.Name, task.Family, probe.Metric, kind, seed, Math.Round(score, 4), fingerprint);
        string ofProbes = FinishedRows.FingerprintOf(cell, task, plan);
        StudyRow Row(string kind, ulong? seed, double score) => RowOf(ofProbes, kind, seed, score);
        return
        [
            .. probe.Runs.Select(run => Row(probe.Mode.ToString().ToLowerInvariant(), run.Seed, run.Score)), Row(StudyRow.Knn, seed: null, scores.Knn),
            .. scores.Attentive?.Runs.Select(run => Row(StudyRow.Attentive, run.Seed, run.Score)) ?? [],
            .. scores.FewShot.Select(few => Row(StudyRow.FewShot(few.Shots), seed: null, few.Score.Value)),
            .. fineTuned is { } score ? (IEnumerable<StudyRow>)[RowOf(FinishedRows.FingerprintOfFineTuning(cell, task, plan), StudyRow.FineTuned, seed: null, score)] : [],
        ];
    }

    /// <summary>True against predicted classes, summed over the probe seeds.</summary>
    public static StudyConfusion Confusion(StudyCell cell, ProbeResult probe)
    {
        int classes = probe.Task.Classes.Count;
        int[][] counts = [.. Enumerable.Range(0, classes).Select(_ => new int[classes])];
        foreach (ProbeRun run in probe.Runs)
        {
            for (int i = 0; i < probe.TestClips.Count; i++)
                counts[probe.Task.Clips[probe.TestClips[i]].Labels[0]][Scores.ArgMax(run.Logits.AsSpan(i * classes, classes))]++;
        }
        return new StudyConfusion(cell.Framework, cell.Arm, cell.Seed, probe.Task.Name, probe.Task.Classes, counts);
    }
}

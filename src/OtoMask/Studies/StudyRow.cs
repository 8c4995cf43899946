namespace OtoMask.Studies;

/// <summary>One score: a line of <c>rows.jsonl</c>. Nothing in it depends on time or on how often the study was interrupted.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Arm">For example <c>dwm</c>, or <see cref="StudyCell.Untrained"/>.</param>
/// <param name="Seed">Seed of the pre-training: the replicate.</param>
/// <param name="Steps">Optimiser steps of the pre-training.</param>
/// <param name="Task">Name of the task.</param>
/// <param name="Family">events, speech, music or the user's word.</param>
/// <param name="Metric">accuracy or mAP.</param>
/// <param name="Probe">strict, evar or tuned; <c>knn</c> for nearest neighbours, <c>attentive</c>, <c>5-shot</c>, <c>fine-tuned</c> and the like.</param>
/// <param name="ProbeSeed">Seed of the probe; null for nearest neighbours and few-shot probes, which have none, and fine-tunings, which have that of the pre-training.</param>
/// <param name="Score">In %.</param>
/// <param name="Fingerprint">What the score depends on (<see cref="StudyCell.Fingerprint"/>).</param>
public sealed record StudyRow(
    string Framework, string Arm, ulong Seed, long Steps, string Task, string Family, string Metric, string Probe, ulong? ProbeSeed, double Score, string Fingerprint)
{
    /// <summary>The name of nearest neighbours as a probe.</summary>
    public const string Knn = "knn";

    /// <summary>The name of the attentive probe.</summary>
    public const string Attentive = "attentive";

    /// <summary>The name of the probe by so many clips a class.</summary>
    public static string FewShot(int shots) => $"{shots}-shot";

    /// <summary>The name of the whole encoder trained further on the task.</summary>
    public const string FineTuned = "fine-tuned";

    /// <summary>What is wrong with two rows of one probe that do not say the same; the same row twice is one.</summary>
    internal static UserErrorException Contradiction(StudyRow row, StudyRow other) => new(
        $"{row.Framework} {row.Arm} seed {row.Seed} has two different rows for {row.Task} ({row.Score} and {other.Score}); keep those of one run of the study");
}

/// <summary>What an arm costs, measured before the runs: a line of <c>costs.jsonl</c>.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Arm">For example <c>dwm</c>.</param>
/// <param name="StepMs">Milliseconds of a step, median.</param>
/// <param name="MaskMs">Milliseconds to mask a batch. Loader threads do it beside the step, except where <paramref name="MasksInStep"/>.</param>
/// <param name="MasksInStep">Whether masking is part of the step, because it reads the model's features.</param>
/// <param name="ClipsPerSecond">Clips trained on per second.</param>
/// <param name="GigaflopsPerClip">Operations of a clip's step, in GFLOP.</param>
/// <param name="PeakMegabytes">Peak resident memory of a process that trains it; on another device than the processor that device's, where libtorch tells (since 2.9).</param>
public sealed record StudyCost(
    string Framework, string Arm, double StepMs, double MaskMs, bool MasksInStep, double ClipsPerSecond, double GigaflopsPerClip, long PeakMegabytes);

/// <summary>Looks costs up.</summary>
internal static class StudyCosts
{
    /// <summary>The cost of an arm, or null. Of several the first counts: runs at equal time got their steps from it.</summary>
    public static StudyCost? Of(this IEnumerable<StudyCost> costs, string framework, string arm) =>
        costs.FirstOrDefault(cost => cost.Framework == framework && cost.Arm == arm);
}

/// <summary>Which clips of one class were taken for which, over all probe seeds: a line of <c>confusions.jsonl</c>. Of several the last counts.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Arm">For example <c>dwm</c>.</param>
/// <param name="Seed">Seed of the pre-training.</param>
/// <param name="Task">Name of the task.</param>
/// <param name="Classes">C labels.</param>
/// <param name="Counts">[C][C]: rows are true, columns predicted.</param>
internal sealed record StudyConfusion(string Framework, string Arm, ulong Seed, string Task, IReadOnlyList<string> Classes, IReadOnlyList<IReadOnlyList<int>> Counts);

using OtoMask.Data;
using OtoMask.Evaluation;

namespace OtoMask.FineTuning;

/// <summary>What the best epoch of a fine-tuning makes of the test clips.</summary>
/// <param name="Task">The task.</param>
/// <param name="Best">The epoch, and its score on the clips it was chosen by.</param>
/// <param name="TestClips">Positions, in the task, of the clips tested on.</param>
/// <param name="Logits">[test clips, C].</param>
/// <param name="Score">Test score in %.</param>
public sealed record FineTuningResult(LabelledTask Task, BestEpoch Best, IReadOnlyList<int> TestClips, float[] Logits, double Score)
{
    /// <summary>What the score is: <c>accuracy</c>, or <c>mAP</c> for multi-label tasks.</summary>
    public string Metric => MetricOf(Task);

    /// <summary>The score with the 95 % interval that another draw of test clips would leave it in; null for multi-label tasks.</summary>
    public Interval? OverClips => Task.IsMultiLabel ? null : Intervals.Bootstrap([.. Correct().Select(correct => 100 * correct)], [.. TestClips.Select(clip => Task.Clips[clip].Group)], seed: 0);

    /// <summary>What a task's score is called.</summary>
    internal static string MetricOf(LabelledTask task) => task.IsMultiLabel ? "mAP" : "accuracy";

    private double[] Correct() => Scores.Correct(Logits, [.. TestClips.Select(clip => Task.Clips[clip].Labels)]);
}

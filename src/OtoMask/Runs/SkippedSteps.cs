namespace OtoMask.Runs;

/// <summary>Loss or gradients were not finite too often; the last good checkpoint is named.</summary>
public sealed class TrainingDivergedException(string message) : Exception(message);

/// <summary>Counts the steps in a row that changed nothing because loss or gradient was not finite, tells each, and ends the run after too many.</summary>
/// <param name="folder">The run. While steps are being skipped it gets no checkpoint, so its newest is the last good one.</param>
/// <param name="log">Its log, which knows the steps skipped before the run was resumed, and is flushed before the run ends; null where another process writes it.</param>
/// <param name="observer">Is told of every skipped step.</param>
/// <param name="rate">The key of the learning rate, to try a smaller one.</param>
internal sealed class SkippedSteps(RunFolder folder, LogWriter? log, ITrainingObserver observer, string rate)
{
    private const int MostInARow = 5;

    /// <summary>Steps skipped since the last one that was not.</summary>
    public int InARow { get; internal set; } = log?.SkippedInARow ?? 0;

    /// <summary>Counts a step that is in the log.</summary>
    /// <exception cref="TrainingDivergedException">It was one too many.</exception>
    public void Add(StepRecord record)
    {
        InARow = record.Applied ? 0 : InARow + 1;
        if (record.Applied)
            return;
        observer.Warning($"step {record.Step}: the loss or its gradient is not finite (loss {record.Loss}, norm {record.GradientNorm}); the step is skipped");
        if (InARow < MostInARow)
            return;
        log?.Flush();
        throw new TrainingDivergedException(
            $"stopped at step {record.Step}: {MostInARow} steps in a row were not finite; the last good checkpoint is {(log is null ? "told by rank 0" : folder.LatestCheckpoint)}. Try a smaller `{rate}` or `precision` fp32");
    }
}

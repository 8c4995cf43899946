using OtoMask.Configuration;
using OtoMask.Interop;

namespace OtoMask.Runs;

/// <summary>Writes <c>log.jsonl</c> and the same numbers for TensorBoard. Others see a row as soon as it is added.</summary>
internal sealed class LogWriter : IDisposable
{
    private readonly FileStream file;
    private readonly StreamWriter writer;
    private readonly TensorBoardWriter board;

    /// <summary>Opens the log of a run, forgetting rows after <paramref name="step"/>: they are about to be written again.</summary>
    public LogWriter(RunFolder folder, long step)
    {
        AtomicFile.RequirePlace(folder.Log);
        bool goesOn = File.Exists(folder.Log);
        if (goesOn)
            AtomicFile.Write(folder.Log, stream => KeepUpTo(step, folder.Log, stream));
        file = new FileStream(folder.Log, FileMode.Append, FileAccess.Write, FileShare.Read);
        writer = new StreamWriter(file) { NewLine = "\n", AutoFlush = true };
        board = new TensorBoardWriter(folder.Path, DateTimeOffset.UtcNow, goesOn ? step + 1 : 0);
    }

    /// <summary>RankMe as the first row of the log that has it tells; null in a new log.</summary>
    public double? FirstRank { get; private set; }

    /// <summary>Steps at the end of the log that were skipped.</summary>
    public int SkippedInARow { get; private set; }

    /// <summary>Adds a step.</summary>
    public void Add(StepRecord record)
    {
        writer.WriteLine(record.ToJson());
        Board("train/loss", record.Loss, record.Step);
        foreach ((string name, double value) in record.Parts)
            Board($"train/loss_{name}", value, record.Step);
        Board("train/lr", record.LearningRate, record.Step);
        Board("train/hint", record.Hint, record.Step);
        Board("train/grad_norm", record.GradientNorm, record.Step);
        Board("speed/clips_per_second", record.ClipsPerSecond, record.Step);
        board.Flush();
    }

    /// <summary>Adds a value of an evaluation.</summary>
    public void Add(EvaluationRecord record)
    {
        writer.WriteLine(record.ToJson());
        Board("evaluation/" + record.Metric, record.Value, record.Step);
        board.Flush();
    }

    /// <summary>Adds that the run goes on otherwise than before.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="change">What has changed.</param>
    public void Add(long step, ConfigChange change) => writer.WriteLine(new ChangeRecord(step, change.Key, change.Old, change.New).ToJson());

    /// <summary>Adds what the run warns of before it takes a step.</summary>
    public void Add(WarningRecord warning) => writer.WriteLine(warning.ToJson());

    /// <summary>Puts everything added so far on disk.</summary>
    public void Flush()
    {
        writer.Flush();
        file.Flush(flushToDisk: true);
        board.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        writer.Dispose();
        board.Dispose();
    }

    private void Board(string tag, double? value, long step)
    {
        if (value is { } known)
            board.AddScalar(tag, known, step, DateTimeOffset.UtcNow);
    }

    private void KeepUpTo(long step, string path, FileStream stream)
    {
        using var kept = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        foreach (string line in InputFile.ReadLines(path))
        {
            // What was changed or warned of at this very step is not in its checkpoint: it was for the steps that go now. Only what the beginning warned of stays: it is not said again.
            if (LogRow.TryParse(line) is not { } row || row.Step > step || (row.Step == step && (row is ChangeRecord || (row is WarningRecord && step > 0))))
                continue;
            kept.WriteLine(line);
            if (row is StepRecord taken)
                SkippedInARow = taken.Applied ? 0 : SkippedInARow + 1;
            if (row is EvaluationRecord { Metric: HealthAlarm.RankMe } rank)
                FirstRank ??= double.IsFinite(rank.Value) ? rank.Value : null;
        }
    }
}

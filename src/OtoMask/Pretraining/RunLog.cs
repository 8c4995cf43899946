using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OtoMask.Interop;

namespace OtoMask.Pretraining;

/// <summary>One optimiser step as the log tells it. All but the last three fields are the same for every run of one configuration.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Epoch">Epoch of the step, from 0.</param>
/// <param name="Loss">Loss before the step.</param>
/// <param name="LearningRate">AdamW's step length.</param>
/// <param name="Hint">Hint ratio of the masks; null in fine-tuning, which has none.</param>
/// <param name="Ema">tau of M2D's target network; null for MSM-MAE, which has none.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
/// <param name="Applied">False where loss or gradient were not finite and the step was skipped.</param>
/// <param name="ClipsPerSecond">Clips over the time of the step, waiting included.</param>
/// <param name="DataWait">Share of the step spent waiting for data, 0 .. 1.</param>
/// <param name="MaskMilliseconds">Time to mask the step's clips, on loader threads or before the gather.</param>
public sealed record StepRecord(
    long Step, int Epoch, double Loss, double LearningRate, double? Hint, double? Ema, double GradientNorm, bool Applied,
    double ClipsPerSecond, double DataWait, double MaskMilliseconds);

/// <summary>One value of an evaluation during training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Metric">For example <c>rankme</c>.</param>
/// <param name="Value">Its value.</param>
public sealed record EvaluationRecord(long Step, int Epoch, string Metric, double Value);

/// <summary>Writes <c>log.jsonl</c> and the same numbers for TensorBoard.</summary>
public sealed class RunLog : IDisposable
{
    private const string Change = "change";
    private static readonly JsonSerializerOptions RowOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, AllowDuplicateProperties = false };
    private readonly FileStream file;
    private readonly StreamWriter writer;
    private readonly TensorBoardWriter board;

    /// <summary>Opens the log of a run, forgetting rows after <paramref name="step"/>: they are about to be written again.</summary>
    public RunLog(RunFolder folder, long step)
    {
        AtomicFile.RequirePlace(folder.Log);
        bool goesOn = File.Exists(folder.Log);
        if (goesOn)
            AtomicFile.Write(folder.Log, stream => KeepUpTo(step, folder.Log, stream));
        file = new FileStream(folder.Log, FileMode.Append, FileAccess.Write, FileShare.Read);
        writer = new StreamWriter(file) { NewLine = "\n" };
        board = new TensorBoardWriter(folder.Path, DateTimeOffset.UtcNow, goesOn ? step + 1 : 0);
    }

    /// <summary>RankMe as the first row of the log that has it tells; null in a new log.</summary>
    public double? FirstRank { get; private set; }

    /// <summary>Steps at the end of the log that were skipped.</summary>
    public int SkippedInARow { get; private set; }

    /// <summary>Adds a step.</summary>
    public void Add(StepRecord record)
    {
        writer.WriteLine(new JsonObject
        {
            ["kind"] = "step",
            ["step"] = record.Step,
            ["epoch"] = record.Epoch,
            ["loss"] = Number(record.Loss),
            ["lr"] = record.LearningRate,
            ["hint"] = record.Hint,
            ["ema"] = record.Ema,
            ["grad_norm"] = Number(record.GradientNorm),
            ["applied"] = record.Applied,
            ["clips_per_second"] = Math.Round(record.ClipsPerSecond, 2),
            ["data_wait"] = Math.Round(record.DataWait, 4),
            ["mask_ms"] = Math.Round(record.MaskMilliseconds, 3),
        }.ToJsonString());
        Board("train/loss", record.Loss, record.Step);
        Board("train/lr", record.LearningRate, record.Step);
        if (record.Hint is { } hint)
            Board("train/hint", hint, record.Step);
        Board("train/grad_norm", record.GradientNorm, record.Step);
        Board("speed/clips_per_second", record.ClipsPerSecond, record.Step);
    }

    /// <summary>Adds a value of an evaluation.</summary>
    public void Add(EvaluationRecord record)
    {
        writer.WriteLine(new JsonObject
        {
            ["kind"] = "evaluation",
            ["step"] = record.Step,
            ["epoch"] = record.Epoch,
            ["metric"] = record.Metric,
            ["value"] = Number(record.Value),
        }.ToJsonString());
        Board("evaluation/" + record.Metric, record.Value, record.Step);
    }

    /// <summary>Adds that the run goes on otherwise than before.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="change">What has changed.</param>
    public void Add(long step, ConfigChange change) => writer.WriteLine(new JsonObject
    {
        ["kind"] = Change,
        ["step"] = step,
        ["key"] = change.Key,
        ["old"] = change.Old,
        ["new"] = change.New,
    }.ToJsonString());

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

    // JSON has no NaN: what is not finite is null.
    private static JsonNode? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;

    private void Board(string tag, double value, long step) => board.AddScalar(tag, value, step, DateTimeOffset.UtcNow);

    private void KeepUpTo(long step, string path, FileStream stream)
    {
        using var kept = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
        foreach (string line in InputFile.ReadLines(path))
        {
            // What was changed at this very step is not in its checkpoint: it was for the steps that go now.
            if (Parse(line) is not { } row || row.Step > step || (row.Step == step && row.Kind == Change))
                continue;
            kept.WriteLine(line);
            if (row.Applied is { } applied)
                SkippedInARow = applied ? 0 : SkippedInARow + 1;
            if (row.Metric == HealthAlarm.RankMe)
                FirstRank ??= row.Value;
        }
    }

    /// <summary>A row; null for a line that is none: cut short by a crash, or damaged.</summary>
    private static Row? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<Row>(line, RowOptions);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What of a row a run that goes on has to know.</summary>
    private sealed record Row(
        [property: JsonRequired] long Step, string? Kind = null, bool? Applied = null, string? Metric = null, double? Value = null);
}

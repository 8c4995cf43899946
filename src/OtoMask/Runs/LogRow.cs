using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OtoMask.Runs;

/// <summary>One row of a run's <c>log.jsonl</c>: a <see cref="StepRecord"/>, an <see cref="EvaluationRecord"/>, a <see cref="ChangeRecord"/>, a
/// <see cref="WarningRecord"/>, or of a kind that this version does not know.</summary>
/// <param name="Step">Optimiser steps done.</param>
public record LogRow(long Step)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a row.</summary>
    /// <returns>The row; null for an object that names no step.</returns>
    /// <exception cref="JsonException">The line is no JSON object, or a value is not of its kind.</exception>
    public static LogRow? Parse(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Strict);
            var fields = new RowFields(document.RootElement);
            return !fields.Has("step") ? null
                : fields.Has("loss") || fields.Text("kind") == StepRecord.Kind ? StepRecord.Of(fields)
                : fields.Has("metric") || fields.Text("kind") == EvaluationRecord.Kind ? EvaluationRecord.Of(fields)
                : fields.Text("kind") == ChangeRecord.Kind ? ChangeRecord.Of(fields)
                : fields.Text("kind") == WarningRecord.Kind ? WarningRecord.Of(fields)
                : new LogRow(fields.Whole("step"));
        }
        catch (InvalidOperationException error) // a text that is no Unicode
        {
            throw new JsonException(error.Message, error);
        }
    }

    /// <summary>Reads a row; null for a line that is none: cut short by a crash, or damaged.</summary>
    public static LogRow? TryParse(string line)
    {
        try
        {
            return Parse(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The row as the log has it, without the end of the line.</summary>
    public string ToJson() => ToFields().ToJsonString();

    /// <summary>The fields, in the order of the log.</summary>
    private protected virtual JsonObject ToFields() => new() { ["step"] = Step };

    /// <summary>JSON has no NaN: what is not finite is null.</summary>
    private protected static JsonNode? Number(double? value) => value is { } number && double.IsFinite(number) ? JsonValue.Create(number) : null;
}

/// <summary>One optimiser step. All but the speeds are the same for every run of one configuration; what a log of another program leaves out is null.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Epoch">Epoch of the step, from 0.</param>
/// <param name="Loss">Loss before the step.</param>
/// <param name="LearningRate">The optimiser's step length.</param>
/// <param name="Hint">Hint ratio of the masks; null in fine-tuning, which has none.</param>
/// <param name="Ema">tau of a target network; null where there is none.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
/// <param name="Applied">False where loss or gradient were not finite and the step was skipped.</param>
/// <param name="ClipsPerSecond">Clips over the time of the step, waiting included.</param>
/// <param name="DataWait">Share of the step spent waiting for data, 0 .. 1.</param>
/// <param name="MaskMilliseconds">Time to mask the step's clips, on loader threads or before the gather.</param>
public sealed record StepRecord(
    long Step, int Epoch, double Loss, double LearningRate, double? Hint, double? Ema, double? GradientNorm, bool Applied,
    double? ClipsPerSecond, double? DataWait, double? MaskMilliseconds) : LogRow(Step)
{
    internal const string Kind = "step";
    private const string PartPrefix = "loss_";

    /// <summary>How many processes shared the step; null for one alone.</summary>
    public int? Processes { get; init; }

    /// <summary>Share of the step spent waiting for the gradients of other processes, 0 .. 1; null for one alone.</summary>
    public double? ExchangeWait { get; init; }

    /// <summary>Losses that the framework names besides; empty where it names none.</summary>
    public IReadOnlyList<(string Name, double Value)> Parts { get; init; } = [];

    /// <inheritdoc/>
    private protected override JsonObject ToFields()
    {
        var fields = new JsonObject
        {
            ["kind"] = Kind,
            ["step"] = Step,
            ["epoch"] = Epoch,
            ["loss"] = Number(Loss),
            ["lr"] = LearningRate,
            ["hint"] = Hint,
            ["ema"] = Ema,
            ["grad_norm"] = Number(GradientNorm),
            ["applied"] = Applied,
            ["clips_per_second"] = Rounded(ClipsPerSecond, 2),
            ["data_wait"] = Rounded(DataWait, 4),
            ["mask_ms"] = Rounded(MaskMilliseconds, 3),
        };
        if (Processes is not null)
            (fields["processes"], fields["exchange_wait"]) = (Processes, Rounded(ExchangeWait, 4));
        foreach ((string name, double value) in Parts)
            fields[PartPrefix + name] = Number(value);
        return fields;
    }

    internal static StepRecord Of(RowFields fields) => new(
        fields.Whole("step"), (int)fields.Number("epoch", otherwise: 0), fields.Number("loss"), fields.Number("lr", otherwise: 0), fields.Optional("hint"), fields.Optional("ema"),
        fields.Optional("grad_norm"), fields.Truth("applied", otherwise: true), fields.Optional("clips_per_second"), fields.Optional("data_wait"), fields.Optional("mask_ms"))
    {
        Processes = (int?)fields.Optional("processes"),
        ExchangeWait = fields.Optional("exchange_wait"),
        Parts = [.. fields.Names.Where(name => name.StartsWith(PartPrefix, StringComparison.Ordinal)).Select(name => (name[PartPrefix.Length..], fields.Number(name)))],
    };

    private static JsonNode? Rounded(double? value, int digits) => value is { } number ? Number(Math.Round(number, digits)) : null;
}

/// <summary>One value of an evaluation during training.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Metric">For example <c>rankme</c>, <c>cev_auc</c> or <c>knn/drums</c>.</param>
/// <param name="Value">Its value.</param>
public sealed record EvaluationRecord(long Step, int Epoch, string Metric, double Value) : LogRow(Step)
{
    internal const string Kind = "evaluation";

    /// <inheritdoc/>
    private protected override JsonObject ToFields() => new()
    {
        ["kind"] = Kind,
        ["step"] = Step,
        ["epoch"] = Epoch,
        ["metric"] = Metric,
        ["value"] = Number(Value),
    };

    internal static EvaluationRecord Of(RowFields fields) =>
        new(fields.Whole("step"), (int)fields.Number("epoch", otherwise: 0), fields.Text("metric") ?? throw new JsonException("metric is no text"), fields.Number("value"));
}

/// <summary>A value that the run has otherwise from here on.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Key">Key of the configuration, or what of the data differs.</param>
/// <param name="Old">The value so far.</param>
/// <param name="New">The value from now on.</param>
public sealed record ChangeRecord(long Step, string Key, string? Old, string? New) : LogRow(Step)
{
    internal const string Kind = "change";

    /// <inheritdoc/>
    private protected override JsonObject ToFields() => new()
    {
        ["kind"] = Kind,
        ["step"] = Step,
        ["key"] = Key,
        ["old"] = Old,
        ["new"] = New,
    };

    internal static ChangeRecord Of(RowFields fields) => new(fields.Whole("step"), fields.Text("key") ?? "", fields.Text("old"), fields.Text("new"));
}

/// <summary>What the run warned of before it took its first step from here on. What it warns of later, steps skipped and a collapse, other rows tell.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Message">One line; keys of the configuration in backticks.</param>
public sealed record WarningRecord(long Step, string Message) : LogRow(Step)
{
    internal const string Kind = "warning";

    /// <inheritdoc/>
    private protected override JsonObject ToFields() => new()
    {
        ["kind"] = Kind,
        ["step"] = Step,
        ["message"] = Message,
    };

    internal static WarningRecord Of(RowFields fields) => new(fields.Whole("step"), fields.Text("message") ?? throw new JsonException("message is no text"));
}

/// <summary>The fields of a row, read strictly: one of another kind than it should be makes the row no row.</summary>
internal readonly struct RowFields
{
    private readonly JsonElement row;

    /// <exception cref="JsonException">It is no object.</exception>
    public RowFields(JsonElement row) => this.row = row.ValueKind == JsonValueKind.Object ? row : throw new JsonException("not an object");

    public IEnumerable<string> Names => row.EnumerateObject().Select(pair => pair.Name).ToList();

    public bool Has(string name) => row.TryGetProperty(name, out _);

    public long Whole(string name) => row.TryGetProperty(name, out JsonElement field) && field.ValueKind == JsonValueKind.Number && field.TryGetInt64(out long value)
        ? value
        : throw new JsonException($"{name} is no whole number");

    /// <summary>A number; NaN where it is null, for JSON has none, and where its name is written out.</summary>
    public double Number(string name, double? otherwise = null)
    {
        if (!row.TryGetProperty(name, out JsonElement field))
            return otherwise ?? throw new JsonException($"{name} is missing");
        return field.ValueKind switch
        {
            JsonValueKind.Null => double.NaN,
            JsonValueKind.Number => field.GetDouble(),
            JsonValueKind.String when double.TryParse(field.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double named) => named,
            _ => throw new JsonException($"{name} is no number"),
        };
    }

    /// <summary>A number; null where it is left out or null.</summary>
    public double? Optional(string name) => row.TryGetProperty(name, out JsonElement field) && field.ValueKind != JsonValueKind.Null ? Number(name) : null;

    public string? Text(string name) => !row.TryGetProperty(name, out JsonElement field) ? null : field.ValueKind switch
    {
        JsonValueKind.String => field.GetString(),
        JsonValueKind.Null => null,
        _ => throw new JsonException($"{name} is no text"),
    };

    public bool Truth(string name, bool otherwise) => !row.TryGetProperty(name, out JsonElement field) ? otherwise : field.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw new JsonException($"{name} is neither true nor false"),
    };
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OtoMask.App.Reports;

/// <summary>One training step, as the trainer logs it.</summary>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="Epoch">Epochs done, with a fraction.</param>
/// <param name="Loss">Mean loss of the batch.</param>
/// <param name="LearningRate">Learning rate of the step.</param>
/// <param name="Hint">Hint ratio of the step, in [0, 1]; null in fine-tuning, which has none.</param>
/// <param name="Ema">EMA decay of the target network; null for MSM-MAE, which has none.</param>
/// <param name="GradientNorm">Norm of the gradient before clipping.</param>
/// <param name="ClipsPerSecond">Throughput.</param>
/// <param name="DataWait">Share of the time spent waiting for data, in [0, 1].</param>
internal sealed record StepRow(
    [property: JsonPropertyName("step"), JsonRequired] long Step,
    [property: JsonPropertyName("epoch")] double Epoch,
    [property: JsonPropertyName("loss"), JsonRequired, JsonConverter(typeof(NullIsNaN))] double Loss,
    [property: JsonPropertyName("lr")] double LearningRate,
    [property: JsonPropertyName("hint")] double? Hint,
    [property: JsonPropertyName("ema")] double? Ema,
    [property: JsonPropertyName("grad_norm")] double? GradientNorm,
    [property: JsonPropertyName("clips_per_second")] double? ClipsPerSecond,
    [property: JsonPropertyName("data_wait")] double? DataWait);

/// <summary>One number that an evaluation during training yielded.</summary>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Metric">Its name, such as <c>rankme</c>, <c>cev_auc</c> or <c>knn/drums</c>.</param>
/// <param name="Value">Its value.</param>
internal sealed record EvaluationRow(
    [property: JsonPropertyName("step")] long Step,
    [property: JsonPropertyName("epoch")] double Epoch,
    [property: JsonPropertyName("metric"), JsonRequired] string Metric,
    [property: JsonPropertyName("value"), JsonRequired, JsonConverter(typeof(NullIsNaN))] double Value);

/// <summary>JSON has no NaN: the trainer logs a value that is not finite as null.</summary>
internal sealed class NullIsNaN : JsonConverter<double>
{
    public override bool HandleNull => true;

    public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Null => double.NaN,
        JsonTokenType.String when double.TryParse(reader.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double named) => named,
        JsonTokenType.Number => reader.GetDouble(),
        _ => throw new JsonException("not a number"),
    };

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options) => throw new NotSupportedException();
}

/// <summary>The rows of a run folder's <c>log.jsonl</c>.</summary>
/// <param name="Steps">Training steps, in the order logged.</param>
/// <param name="Evaluations">Evaluation results, in the order logged.</param>
internal sealed record RunLog(IReadOnlyList<StepRow> Steps, IReadOnlyList<EvaluationRow> Evaluations)
{
    // A gradient norm that is not finite may be written as "NaN" or "Infinity".
    private static readonly JsonSerializerOptions Options = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    /// <summary>Reads a log. Rows of other kinds are passed over; a last line cut short by a crash is left out.</summary>
    /// <exception cref="UserErrorException">The file is missing or unreadable, or a line before the last is no JSON object.</exception>
    public static RunLog Read(string path)
    {
        return File.Exists(path)
            ? Parse(InputFile.ReadLines(path), path)
            : throw new UserErrorException($"no log at {path}; name the folder of a pre-training run");
    }

    private static RunLog Parse(IEnumerable<string> lines, string path)
    {
        List<StepRow> steps = [];
        List<EvaluationRow> evaluations = [];
        (int Number, Exception Error)? broken = null;
        int number = 0;
        foreach (string line in lines)
        {
            number++;
            if (broken is { } earlier)
                throw new UserErrorException(
                    $"{path}, line {earlier.Number}: not a log row; restore the file or remove the line", earlier.Error);
            if (string.IsNullOrWhiteSpace(line))
                continue;
            try
            {
                using JsonDocument row = JsonDocument.Parse(line);
                if (row.RootElement.ValueKind != JsonValueKind.Object)
                    throw new JsonException("not an object");
                if (row.RootElement.TryGetProperty("loss", out _))
                    steps.Add(row.Deserialize<StepRow>(Options)!);
                else if (row.RootElement.TryGetProperty("metric", out _))
                    evaluations.Add(row.Deserialize<EvaluationRow>(Options)!);
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException) // the latter for text that is no Unicode
            {
                broken = (number, error);
            }
        }
        return new(steps, evaluations);
    }
}

using System.Text.Json;

namespace OtoMask.App.Reports;

/// <summary>One encoder's linear evaluation and k-NN, as <c>otomask probe</c> wrote them.</summary>
/// <param name="Encoder">What was probed: a run folder or checkpoint, or a baseline.</param>
/// <param name="Metric">accuracy or mAP.</param>
/// <param name="Mode">strict, evar or tuned.</param>
/// <param name="Score">Linear evaluation in %, with its 95 % interval over the probe's seeds.</param>
/// <param name="Knn">k-nearest-neighbour score in %.</param>
internal sealed record ProbedEncoder(string Encoder, string Metric, string Mode, Estimate Score, double? Knn);

/// <summary>The numbers of <c>otomask probe --out</c>.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Task">Name of the task.</param>
/// <param name="Encoders">The encoder that was judged, then its baselines.</param>
internal sealed record ProbeFile(string Path, string Task, IReadOnlyList<ProbedEncoder> Encoders)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Refuses a path where something else lies than an earlier probe's numbers: the <c>metrics.json</c> of a run is no place for them.</summary>
    /// <exception cref="UserErrorException">There is another file.</exception>
    public static void RequireReplaceable(string path)
    {
        if (!File.Exists(path))
            return;
        try
        {
            Read(path);
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"--out {path}: the file that is there is not what `otomask probe` wrote and stays; name another", error);
        }
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="UserErrorException">It cannot be read, or is no such file.</exception>
    public static ProbeFile Read(string path)
    {
        try
        {
            Contents contents = JsonSerializer.Deserialize<Contents>(InputFile.ReadBytes(path, InputFile.LargestTable), Options) ?? throw new JsonException("it is empty");
            return new ProbeFile(path, contents.Task,
            [
                .. from result in contents.Results
                   where result is { Evaluation: "linear", Interval95OverSeeds: [_, _] }
                   let knn = contents.Results.FirstOrDefault(other => other.Evaluation == "knn" && other.Encoder == result.Encoder)
                   select new ProbedEncoder(
                       result.Encoder, result.Metric, result.Mode, new Estimate(result.Value, result.Interval95OverSeeds![0], result.Interval95OverSeeds[1]), knn?.Value),
            ]);
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path}: not what `otomask probe --out` writes ({error.Message}); name such a file with --probe", error);
        }
    }

    private sealed record Contents(string Task, IReadOnlyList<Row> Results);

    private sealed record Row(string Encoder, string Evaluation, string Mode, string Metric, double Value)
    {
        public double[]? Interval95OverSeeds { get; init; }
    }
}

using OtoMask.Interop;

namespace OtoMask.Embeddings;

/// <summary>Shape of the rows of an output.</summary>
/// <param name="Per">What a row stands for.</param>
/// <param name="Layers">Layers side by side in a row; 0 where only the last was asked for.</param>
/// <param name="Width">Numbers of one layer.</param>
/// <param name="SecondsPerFrame">Length of a frame.</param>
internal sealed record RowShape(EmbeddingRow Per, int Layers, int Width, double SecondsPerFrame)
{
    /// <summary>Numbers of a row.</summary>
    public int Values => Math.Max(1, Layers) * Width;

    /// <summary>Shape of a row in an array.</summary>
    public int[] Axes => Layers == 0 ? [Width] : [Layers, Width];
}

/// <summary>A file of embeddings while it is written, clip after clip. The clip begun last can be taken back.</summary>
internal abstract class EmbeddingOutput
{
    /// <summary>Extensions of the outputs there are.</summary>
    private static readonly string[] Extensions = [".npy", ".csv", ".safetensors"];

    /// <summary>Rows written, of clips that are complete or begun.</summary>
    public abstract long Rows { get; }

    /// <summary>The file that will say which rows belong to which clip; null for an output whose rows say it themselves.</summary>
    public static string? IndexOf(string path) => IsCsv(path) ? null : Path.ChangeExtension(path, ".index.csv");

    /// <summary>Checks, before anything is computed, that a name tells the format.</summary>
    /// <exception cref="UserErrorException">It does not.</exception>
    public static void CheckName(string path)
    {
        if (!Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            throw new UserErrorException($"`path` {path}: the ending tells the format; name a file that ends in {string.Join(", ", Extensions[..^1])} or {Extensions[^1]}");
    }

    /// <summary>The output whose format the ending of <paramref name="path"/> tells.</summary>
    /// <param name="path">Where it will lie.</param>
    /// <param name="stream">Receives the rows.</param>
    /// <param name="index">Receives what goes to <see cref="IndexOf"/>, where that is a file.</param>
    /// <param name="shape">Shape of the rows.</param>
    public static EmbeddingOutput Create(string path, FileStream stream, Stream index, RowShape shape) =>
        IsCsv(path) ? new CsvOutput(stream, shape) : new ArrayOutput(IsNpy(path)
            ? new NpyRowWriter(stream, shape.Axes)
            : new SafetensorsRowWriter(stream, "embeddings", new Dictionary<string, string> { ["format"] = "pt" }, shape.Axes), index);

    /// <summary>Begins a clip.</summary>
    public abstract void Begin(string name);

    /// <summary>Adds rows to the clip.</summary>
    public abstract void Add(ReadOnlySpan<float> rows);

    /// <summary>The clip is complete.</summary>
    /// <param name="seconds">Length of its sound.</param>
    public abstract void End(double seconds);

    /// <summary>Takes back the rows of the clip that was begun.</summary>
    public abstract void Drop();

    /// <summary>All clips are there.</summary>
    public abstract void Complete();

    private static bool IsCsv(string path) => Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);

    private static bool IsNpy(string path) => Path.GetExtension(path).Equals(".npy", StringComparison.OrdinalIgnoreCase);
}

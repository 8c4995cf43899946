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

    /// <summary>The file, if any, that says which rows belong to which clip.</summary>
    public virtual string? Index => null;

    /// <summary>Checks, before anything is computed, that a name tells the format.</summary>
    /// <exception cref="UserErrorException">It does not.</exception>
    public static void CheckName(string path)
    {
        if (!Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase))
            throw new UserErrorException($"--out {path}: the ending tells the format; name a file that ends in {string.Join(", ", Extensions[..^1])} or {Extensions[^1]}");
    }

    /// <summary>Where the index of an array lies.</summary>
    public static string IndexOf(string path) => Path.ChangeExtension(path, ".index.csv");

    /// <summary>The output whose format the ending of <paramref name="path"/> tells.</summary>
    public static EmbeddingOutput Create(string path, FileStream stream, RowShape shape) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".csv" => new CsvOutput(stream, shape),
        ".npy" => new ArrayOutput(new NpyRowWriter(stream, shape.Axes), path),
        _ => new ArrayOutput(new SafetensorsRowWriter(stream, "embeddings", new Dictionary<string, string> { ["format"] = "pt" }, shape.Axes), path),
    };

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
}

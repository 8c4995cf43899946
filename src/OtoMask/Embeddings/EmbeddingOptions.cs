using OtoMask.Data;
using OtoMask.Evaluation;

namespace OtoMask.Embeddings;

/// <summary>What one row of the output stands for.</summary>
public enum EmbeddingRow
{
    /// <summary>A clip: the mean of its frames.</summary>
    Clip,

    /// <summary>A time step of a clip.</summary>
    Frame,
}

/// <summary>How recordings become rows.</summary>
public sealed record EmbeddingOptions
{
    /// <summary>Numbers of inputs that go through the model together.</summary>
    internal static NumberRange BatchRange { get; } = new(1, 4096);

    /// <summary>A row for each clip, or for each frame of it.</summary>
    public EmbeddingRow Per { get; init; } = EmbeddingRow.Clip;

    /// <summary>The last layer, or all of them side by side.</summary>
    public EncoderLayers Layers { get; init; } = EncoderLayers.Last;

    /// <summary>How many inputs go through the model together. Decides memory and speed.</summary>
    public int Batch { get; init; } = EncoderSnapshot.DefaultChunksAtOnce;

    /// <summary>Threads that decode ahead; 0 = as many as cores, at most 8. The rows and their order do not depend on it.</summary>
    public int Workers { get; init; }

    /// <summary>Checks the numbers.</summary>
    /// <exception cref="UserErrorException">One is impossible.</exception>
    internal void Validate()
    {
        BatchRange.Require("`Batch`", Batch);
        BatchOptions.WorkerRange.Require("`Workers`", Workers);
    }
}

/// <summary>What was written.</summary>
/// <param name="Clips">Clips embedded.</param>
/// <param name="Rows">Rows of the output.</param>
/// <param name="Width">Numbers of a row.</param>
/// <param name="SoundSeconds">Length of all sound embedded.</param>
/// <param name="Index">The file that says which rows belong to which clip; null where the output says it itself.</param>
/// <param name="BadFilesPath">The file that lists what could not be read; null when there is nothing to list.</param>
/// <param name="Bad">What could not be read.</param>
public sealed record EmbeddingSummary(
    int Clips, long Rows, int Width, double SoundSeconds, string? Index, string? BadFilesPath, IReadOnlyList<BadFile> Bad);

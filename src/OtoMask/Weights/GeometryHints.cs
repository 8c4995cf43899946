namespace OtoMask.Weights;

/// <summary>What a user says about a model whose file does not say it all. What is not set comes from the file, its name, or a default.</summary>
public sealed record GeometryHints
{
    /// <summary>Nothing is said.</summary>
    public static GeometryHints None { get; } = new();

    /// <summary>Mel bands x frames, for example <c>80x608</c>.</summary>
    public string? Input { get; init; }

    /// <summary>Mel bands x frames of a patch, for example <c>16x16</c>.</summary>
    public string? Patch { get; init; }

    /// <summary>Attention heads of the encoder; by default its width / 64, at least 1.</summary>
    public int? Heads { get; init; }

    /// <summary>Attention heads of the decoder or predictor; by default those of the published size, else its width / 64, at least 1.</summary>
    public int? DecoderHeads { get; init; }

    /// <summary>Sampling rate in Hz, 16000 (the default) or 32000.</summary>
    public int? SampleRate { get; init; }
}

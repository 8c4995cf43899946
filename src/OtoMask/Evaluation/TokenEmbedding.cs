using OtoMask.Audio;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>All that an encoder says of a clip: the tokens of its patches side by side, time step by time step.</summary>
/// <param name="encoder">The encoder.</param>
/// <param name="name">What results call it.</param>
/// <param name="clips">The clips, all of one length.</param>
internal sealed class TokenEmbedding(EncoderSnapshot encoder, string name, TaskClips clips) : IClipEmbedding
{
    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <summary>L * D, L = T' * Nf.</summary>
    public int Width => Tokens * TokenWidth;

    /// <summary>L, tokens of a clip.</summary>
    public int Tokens => (clips.UnitSamples / clips.LogMel.HopSize + encoder.Input.PatchWidth) / encoder.Input.PatchWidth * encoder.Input.Grid.Rows;

    /// <summary>D.</summary>
    public int TokenWidth => encoder.EmbeddingWidth / encoder.Input.Grid.Rows;

    /// <inheritdoc/>
    public Device Device => encoder.Encoder.Device;

    /// <inheritdoc/>
    public void Embed(IReadOnlyList<LogMel> clips, Span<float> embeddings)
    {
        int row = 0;
        foreach (FrameEmbeddings frames in encoder.Encode(clips))
            frames.Values.CopyTo(embeddings.Slice(row++ * Width, Width));
    }
}

using OtoMask.Audio;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>A way to turn a clip into one vector.</summary>
public interface IClipEmbedding
{
    /// <summary>What results call it.</summary>
    string Name { get; }

    /// <summary>Numbers of one embedding.</summary>
    int Width { get; }

    /// <summary>Where it computes, and probes of its embeddings too.</summary>
    Device Device => Device.Cpu;

    /// <summary>Embeds clips.</summary>
    /// <param name="clips">Log-mels, not normalised, of any length.</param>
    /// <param name="embeddings">[clips, Width], receives the embeddings.</param>
    void Embed(IReadOnlyList<LogMel> clips, Span<float> embeddings);
}

/// <summary>The encoder's embedding: frequency patches side by side, mean over time (docs/method.md section 7).</summary>
/// <param name="encoder">The encoder.</param>
/// <param name="name">What results call it.</param>
/// <param name="layers">That of the last layer, or those of all side by side.</param>
public sealed class EncoderEmbedding(EncoderSnapshot encoder, string name, EncoderLayers layers = EncoderLayers.Last) : IClipEmbedding
{
    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public int Width => encoder.WidthOf(layers);

    /// <inheritdoc/>
    public Device Device => encoder.Encoder.Device;

    /// <inheritdoc/>
    public void Embed(IReadOnlyList<LogMel> clips, Span<float> embeddings)
    {
        int row = 0;
        foreach (FrameEmbeddings frames in encoder.Encode(clips, layers))
            frames.MeanOverTime(embeddings.Slice(row++ * Width, Width));
    }
}

/// <summary>The baseline without a network: mean and standard deviation over time of each log-mel band.</summary>
/// <param name="bands">F.</param>
/// <param name="probes">Where probes compute; null = on the processor, as it does itself.</param>
public sealed class LogMelStatistics(int bands, Device? probes = null) : IClipEmbedding
{
    /// <inheritdoc/>
    public Device Device { get; } = probes ?? Device.Cpu;

    /// <inheritdoc/>
    public string Name => "logmel-stats";

    /// <summary>2 F: the means of all bands, then their deviations.</summary>
    public int Width => 2 * bands;

    /// <inheritdoc/>
    public void Embed(IReadOnlyList<LogMel> clips, Span<float> embeddings)
    {
        for (int clip = 0; clip < clips.Count; clip++)
        {
            Span<float> embedding = embeddings.Slice(clip * Width, Width);
            for (int band = 0; band < bands; band++)
            {
                ReadOnlySpan<float> values = clips[clip].Values.AsSpan(band * clips[clip].Frames, clips[clip].Frames);
                (embedding[band], embedding[bands + band]) = MeanAndDeviation(values);
            }
        }
    }

    private static (float Mean, float Deviation) MeanAndDeviation(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0;
        foreach (float value in values)
            sum += value;
        double mean = sum / values.Length;
        foreach (float value in values)
            squares += (value - mean) * (value - mean);
        return ((float)mean, (float)Math.Sqrt(squares / values.Length));
    }
}

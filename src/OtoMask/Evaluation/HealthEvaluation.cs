using OtoMask.Audio;

namespace OtoMask.Evaluation;

/// <summary>
/// How much of its width the encoder uses, on patch tokens of a few clips: metrics <c>rankme</c> and <c>cev_auc</c>. Under
/// collapse the first falls towards 1 and the second rises towards 1 (METHOD section 9).
/// </summary>
/// <param name="clips">Log-mels, not normalised; a few dozen of the model's input size do.</param>
public sealed class HealthEvaluation(IReadOnlyList<LogMel> clips) : IEvaluation
{
    private const int MostTokens = 4096; // the cost grows with them, the answer hardly changes

    /// <inheritdoc/>
    public IEnumerable<(string Metric, double Value)> Run(EncoderSnapshot encoder)
    {
        int width = encoder.TokenWidth;
        float[] tokens = Thin([.. encoder.Encode(clips).SelectMany(frames => frames.Values)], width);
        yield return ("rankme", RepresentationHealth.RankMe(tokens, width));
        yield return ("cev_auc", RepresentationHealth.CevAuc(tokens, width));
    }

    /// <summary>At most <see cref="MostTokens"/> tokens, evenly spread.</summary>
    private static float[] Thin(float[] tokens, int width)
    {
        int count = tokens.Length / width, kept = Math.Min(count, MostTokens);
        if (kept == count)
            return tokens;
        var thinned = new float[kept * width];
        for (int i = 0; i < kept; i++)
            tokens.AsSpan((int)((long)i * count / kept) * width, width).CopyTo(thinned.AsSpan(i * width));
        return thinned;
    }
}

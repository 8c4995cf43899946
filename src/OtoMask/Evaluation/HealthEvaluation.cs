using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Geometry;

namespace OtoMask.Evaluation;

/// <summary>
/// How much of its width the encoder uses, on patch tokens of a few clips: metrics <c>rankme</c> and <c>cev_auc</c>. Under
/// collapse the first falls towards 1 and the second rises towards 1 (docs/method.md section 9).
/// </summary>
/// <param name="clips">Log-mels, not normalised; a few dozen of the model's input size do.</param>
internal sealed class HealthEvaluation(IReadOnlyList<LogMel> clips) : IEvaluation
{
    private const int MostTokens = 4096; // the cost grows with them, the answer hardly changes
    private const int Clips = 32;
    private const int CropDraw = 1;

    /// <summary>The health on crops of a run's own data, evenly spread over it; the same crops in every run of one seed, resumed or not.</summary>
    /// <param name="source">The data.</param>
    /// <param name="input">The model's input.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="shortClips">What follows a clip shorter than the input.</param>
    /// <param name="badFiles">Is told of clips that cannot be read.</param>
    /// <exception cref="UserErrorException">None of the clips can be read.</exception>
    public static HealthEvaluation OnCropsOf(ClipSource source, InputGeometry input, ulong seed, ShortClips shortClips, BadFiles badFiles)
    {
        IReadOnlyList<LogMel> crops = SpreadCrops.Read(source, input, seed, CropDraw, Clips, shortClips, badFiles);
        return crops.Count > 0
            ? new HealthEvaluation(crops)
            : throw new UserErrorException($"none of {Clips} clips spread over the data can be read; check the files, or evaluate never with `evaluate-every` 0");
    }

    /// <inheritdoc/>
    public IEnumerable<(string Metric, double Value)> Run(EncoderSnapshot encoder)
    {
        int width = encoder.TokenWidth;
        float[] tokens = Thin([.. encoder.Encode(clips).SelectMany(frames => frames.Values)], width);
        yield return ("rankme", RepresentationHealth.RankMe(tokens, width, encoder.Encoder.Device));
        yield return ("cev_auc", RepresentationHealth.CevAuc(tokens, width, encoder.Encoder.Device));
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

using OtoMask.Audio;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.Studies.Masks;

/// <summary>Clips of the model's input size, cut in patches, to draw masks for.</summary>
internal sealed class SurveyedClips
{
    /// <summary>Parts that the patches of a clip are ranked in.</summary>
    public const int Tenths = 10;

    private readonly IReadOnlyList<LogMel> logMels;
    private readonly InputGeometry input;
    private readonly float[][] patches;
    private readonly int[][] tenths;

    public SurveyedClips(IReadOnlyList<LogMel> logMels, InputGeometry input)
    {
        (this.logMels, this.input) = (logMels, input);
        patches = [.. logMels.Select(clip => Cut(clip, input))];
        tenths = [.. patches.Select(clip => RankedInTenths(Dispersion(clip, input)))];
    }

    public int Count => logMels.Count;

    /// <summary>In which tenth of its clip's patches a patch is by mean absolute deviation: 0 = the calmest.</summary>
    public int TenthOf(int clip, int id) => tenths[clip][id];

    /// <summary>Draws a clip's mask. Dispersion-weighted masks go by ratios of deviations, so that it does not matter that log-mels are not normalised here.</summary>
    /// <param name="masking">The strategy.</param>
    /// <param name="encoder">For a strategy that reads features; it is asked at once for those of all clips.</param>
    public Func<int, MaskingContext, PatchMask> SamplerOf(MaskingInfo masking, EncoderSnapshot? encoder)
    {
        if (masking.CreateDataStrategy() is { } strategy)
            return (clip, context) => strategy.Sample(new PatchView(input.Grid, input.PatchSize, patches[clip]), context);
        IFeatureMaskingStrategy byFeatures = masking.CreateFeatureStrategy()!;
        float[][] features = [.. encoder!.Encode(logMels).Select(frames => ByPatch(frames, encoder.TokenWidth))];
        return (clip, context) => byFeatures.Sample(input.Grid, features[clip], encoder.TokenWidth, context);
    }

    /// <summary>How much the patches of a clip vary, on average.</summary>
    public static double MeanDispersion(LogMel clip, InputGeometry input) => Dispersion(Cut(clip, input), input).Average(value => (double)value);

    /// <summary>Turns embeddings [Nt, Nf * D] to the order of patch ids, [Nf * Nt, D].</summary>
    private float[] ByPatch(FrameEmbeddings frames, int width)
    {
        var features = new float[input.Grid.Count * width];
        for (int id = 0; id < input.Grid.Count; id++)
        {
            (int row, int column) = Math.DivRem(id, input.Grid.Columns);
            frames.Values.AsSpan(column * frames.Width + row * width, width).CopyTo(features.AsSpan(id * width));
        }
        return features;
    }

    private static float[] Cut(LogMel clip, InputGeometry input)
    {
        var cut = new float[input.InputSize];
        PatchCutter.Cut(clip.Values, input.Bands, input.Frames, input.PatchHeight, input.PatchWidth, cut);
        return cut;
    }

    private static float[] Dispersion(float[] patches, InputGeometry input)
    {
        var weights = new float[input.Grid.Count];
        DispersionWeights.MeanAbsoluteDeviation(new PatchView(input.Grid, input.PatchSize, patches), weights);
        return weights;
    }

    private static int[] RankedInTenths(float[] weights)
    {
        int[] ids = [.. Enumerable.Range(0, weights.Length).OrderBy(id => weights[id])], tenths = new int[weights.Length];
        foreach ((int rank, int id) in ids.Index())
            tenths[id] = rank * Tenths / weights.Length;
        return tenths;
    }
}

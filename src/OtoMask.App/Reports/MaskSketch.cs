using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.App.Reports;

/// <summary>A clip, cut in patches, that masks are drawn for one by one, outside of any training.</summary>
/// <param name="Grid">Patches along frequency and time.</param>
/// <param name="PatchSize">ph * pw, values of one patch.</param>
/// <param name="Patches">[L, ph * pw], normalised.</param>
/// <param name="Features">[L, Width], what an encoder makes of the patches; the patches themselves where there is no encoder.</param>
/// <param name="Width">Values of one feature.</param>
internal sealed record MaskSketch(PatchGrid Grid, int PatchSize, float[] Patches, float[] Features, int Width)
{
    /// <summary>The most patches that are drawn on: beyond, tiles show none any more and the spectral strategy takes minutes.</summary>
    public const int MostPatches = 1000;

    /// <summary>A clip without an encoder at hand: its normalised patches stand in for features.</summary>
    /// <param name="logMel">[F, T], normalised, of whole patches.</param>
    /// <param name="bands">F.</param>
    /// <param name="frames">T.</param>
    /// <param name="patchHeight">ph, bands of one patch.</param>
    /// <param name="patchWidth">pw, frames of one patch.</param>
    /// <exception cref="UserErrorException">Whole patches do not fill it.</exception>
    public static MaskSketch Of(ReadOnlySpan<float> logMel, int bands, int frames, int patchHeight, int patchWidth)
    {
        var patches = new float[logMel.Length];
        PatchCutter.Cut(logMel, bands, frames, patchHeight, patchWidth, patches);
        int size = patchHeight * patchWidth;
        return new MaskSketch(PatchGrid.Of(bands, frames, patchHeight, patchWidth), size, patches, patches, size);
    }

    /// <summary>Why a strategy has no mask here; null where it has one.</summary>
    public string? Impossible(MaskingInfo masking, double maskRatio)
    {
        try
        {
            MaskingGeometry.Validate(masking, Grid, maskRatio);
            return null;
        }
        catch (UserErrorException error)
        {
            return error.Message;
        }
    }

    /// <summary>Draws a mask.</summary>
    /// <param name="masking">The strategy, which must not be <see cref="Impossible"/>.</param>
    /// <param name="maskRatio">Share of patches masked, in (0, 1).</param>
    /// <param name="hintRatio">In [0, 1].</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <param name="index">Which clip it is; each draws from numbers of its own.</param>
    public PatchMask Draw(MaskingInfo masking, double maskRatio, double hintRatio, ulong seed, int index)
    {
        MaskingContext context = new(maskRatio, hintRatio, new RandomStream(seed, RandomPurpose.Mask, epoch: 0, index), new RandomStream(seed, RandomPurpose.BatchMask));
        return masking.CreateDataStrategy() is { } strategy
            ? strategy.Sample(new PatchView(Grid, PatchSize, Patches), context)
            : masking.CreateFeatureStrategy()!.Sample(Grid, Features, Width, context);
    }
}

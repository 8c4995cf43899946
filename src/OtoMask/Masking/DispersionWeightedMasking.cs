using System.Numerics;
using System.Runtime.InteropServices;
using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>
/// <c>dwm</c>, <c>dwm-variance</c>: patches are masked without replacement with probability proportional to how much their
/// values spread (dispersion-weighted masking); then the hint ratio trades some for random ones.
/// </summary>
/// <param name="measure">The weights, for example <see cref="DispersionWeights.MeanAbsoluteDeviation"/>.</param>
/// <remarks>Niizumi et al., IJCNN 2026; docs/method.md section 2. Sampling by keys: Efraimidis and Spirakis, "Weighted random
/// sampling with a reservoir", 2006: the m largest log(u)/w are a sequential weighted sample of m.</remarks>
internal sealed class DispersionWeightedMasking(DispersionMeasure measure) : IMaskingStrategy
{
    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context) => SampleSeveral(clip, [context])[0];

    /// <inheritdoc/>
    public PatchMask[] SampleSeveral(in PatchView clip, MaskingContext[] contexts)
    {
        var masks = new PatchMask[contexts.Length];
        int count = clip.Grid.Count;
        Span<float> weights = count <= Scratch.OnStack ? stackalloc float[count] : new float[count];
        if (contexts.Any(context => context.HintRatio < HintRatio.Random))
            measure(clip, weights);
        for (int i = 0; i < masks.Length; i++)
            masks[i] = contexts[i].HintRatio >= HintRatio.Random ? RandomMasking.Draw(clip.Grid, contexts[i]) : Draw(clip.Grid, weights, contexts[i]);
        return masks;
    }

    private static PatchMask Draw(PatchGrid grid, ReadOnlySpan<float> weights, in MaskingContext context)
    {
        RandomStream random = context.Clip;
        Span<float> keys = weights.Length <= Scratch.OnStack ? stackalloc float[weights.Length] : new float[weights.Length];
        weights.CopyTo(keys);
        DivideExponentials(keys, ref random);
        return InformedMask.HideSmallest(keys, grid.VisibleCount(context.MaskRatio), context.HintRatio, ref random);
    }

    /// <summary>Replaces each weight w by -log(u)/w, u uniform in (0, 1).</summary>
    private static void DivideExponentials(Span<float> weights, ref RandomStream random)
    {
        Span<float> uniforms = weights.Length <= Scratch.OnStack ? stackalloc float[weights.Length] : new float[weights.Length];
        for (int i = 0; i < uniforms.Length; i++)
            uniforms[i] = ((random.NextUInt32() >> 9) + 0.5f) * (1f / (1 << 23)); // 23 bits: exact, never 0 or 1

        Span<Vector<float>> weightVectors = MemoryMarshal.Cast<float, Vector<float>>(weights);
        Span<Vector<float>> uniformVectors = MemoryMarshal.Cast<float, Vector<float>>(uniforms);
        for (int i = 0; i < weightVectors.Length; i++)
            weightVectors[i] = -Vector.Log(uniformVectors[i]) / weightVectors[i];
        for (int i = weightVectors.Length * Vector<float>.Count; i < weights.Length; i++)
            weights[i] = -MathF.Log(uniforms[i]) / weights[i];
    }
}

namespace OtoMask.Masking;

/// <summary>
/// <c>dwm-topk</c>: the patches whose values spread most are masked, without sampling (the ablation of <c>dwm</c>); then the
/// hint ratio trades some for random ones.
/// </summary>
/// <param name="measure">The weights, for example <see cref="DispersionWeights.MeanAbsoluteDeviation"/>.</param>
/// <remarks>Niizumi et al., IJCNN 2026; docs/method.md section 2. Of equal weights the higher id is masked first.</remarks>
internal sealed class DispersionTopMasking(DispersionMeasure measure) : IMaskingStrategy
{
    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context) => SampleSeveral(clip, [context])[0];

    /// <inheritdoc/>
    public PatchMask[] SampleSeveral(in PatchView clip, MaskingContext[] contexts)
    {
        int count = clip.Grid.Count;
        Span<float> keys = count <= Scratch.OnStack ? stackalloc float[count] : new float[count];
        if (contexts.Any(context => context.HintRatio < HintRatio.Random))
            measure(clip, keys);
        foreach (ref float key in keys)
            key = -key;
        return InformedMask.Draw(clip.Grid, keys, contexts);
    }
}

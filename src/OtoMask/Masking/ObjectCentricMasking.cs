using OtoMask.Geometry;

namespace OtoMask.Masking;

/// <summary>
/// <c>sgim</c>, <c>sgim-spectral</c>: the patches that belong least to either of the two parts that the encoder sees are masked;
/// then the hint ratio trades some for random ones.
/// </summary>
/// <param name="cut">How the patches are split in two, for example <see cref="PatchCuts.PrincipalAxis"/>.</param>
/// <remarks>Feng and Zhang, "Self-Guided Masked Autoencoder", NeurIPS 2024; docs/method.md section 2. Of equal scores the higher id is
/// masked first.</remarks>
internal sealed class ObjectCentricMasking(PatchCut cut) : IFeatureMaskingStrategy
{
    /// <summary>How the patches are split in two.</summary>
    public PatchCut Cut => cut;

    /// <inheritdoc/>
    public PatchMask Sample(PatchGrid grid, ReadOnlySpan<float> features, int width, in MaskingContext context) => SampleSeveral(grid, features, width, [context])[0];

    /// <inheritdoc/>
    public PatchMask[] SampleSeveral(PatchGrid grid, ReadOnlySpan<float> features, int width, MaskingContext[] contexts)
    {
        Span<float> scores = grid.Count <= Scratch.OnStack ? stackalloc float[grid.Count] : new float[grid.Count];
        if (contexts.Any(context => context.HintRatio < HintRatio.Random))
            ObjectScores.Compute(features, width, cut, scores);
        return InformedMask.Draw(grid, scores, contexts);
    }
}

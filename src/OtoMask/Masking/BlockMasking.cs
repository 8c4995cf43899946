using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>
/// <c>block</c>: the masked patches form blocks of one <see cref="Size"/>. A hint ratio of 1 or more makes it <c>random</c>; a lesser one is ignored.
/// </summary>
/// <remarks>After Bao et al., BEiT, arXiv 2106.08254; docs/method.md section 2.</remarks>
internal sealed class BlockMasking : IMaskingStrategy
{
    /// <summary>Whether a hint ratio of 1 changes nothing, either: the variant without a random warm-up.</summary>
    public bool IgnoresHint { get; init; }

    /// <summary>The size of a block.</summary>
    public MaskBlock Size { get; init; } = MaskBlock.Published;

    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context)
    {
        if (!IgnoresHint && context.HintRatio >= HintRatio.Random)
            return RandomMasking.Draw(clip.Grid, context);

        PatchGrid grid = clip.Grid;
        RandomStream random = context.Clip;
        int maskedCount = grid.Count - grid.VisibleCount(context.MaskRatio);
        Span<int> ids = grid.Count <= Scratch.OnStack ? stackalloc int[grid.Count] : new int[grid.Count];
        Blocks.Choose(grid, Size, CentreCount(grid, context.MaskRatio, Size), maskedCount, ids, ref random);
        return PatchMask.Of(visible: ids[maskedCount..], masked: ids[..maskedCount]);
    }

    /// <summary>How many masked blocks are drawn; with none this is <c>random</c>.</summary>
    internal static int CentreCount(PatchGrid grid, double maskRatio, MaskBlock size) => Blocks.CentreCount(grid, maskRatio, size);
}

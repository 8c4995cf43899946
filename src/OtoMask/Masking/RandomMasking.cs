using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary><c>random</c>: the visible patches are drawn uniformly without replacement.</summary>
/// <remarks>He et al., "Masked Autoencoders Are Scalable Vision Learners", arXiv 2111.06377.</remarks>
internal sealed class RandomMasking : IMaskingStrategy
{
    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context) => Draw(clip.Grid, context);

    /// <summary>What the other strategies come down to when the hint ratio is 1.</summary>
    internal static PatchMask Draw(PatchGrid grid, in MaskingContext context)
    {
        RandomStream random = context.Clip;
        int visibleCount = grid.VisibleCount(context.MaskRatio);
        Span<int> ids = grid.Count <= Scratch.OnStack ? stackalloc int[grid.Count] : new int[grid.Count];
        for (int id = 0; id < ids.Length; id++)
            ids[id] = id;
        random.ShuffleFront(ids, visibleCount);
        return PatchMask.Of(ids[..visibleCount], ids[visibleCount..]);
    }
}

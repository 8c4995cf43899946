using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>
/// <c>multi-block</c>: a few large blocks are masked. All blocks of a batch have one size, a clip's have places of their own; they are drawn until they cover what is to be masked,
/// then the excess is freed uniformly at random. A hint ratio of 1 or more makes it <c>random</c>; a lesser one is ignored.
/// </summary>
/// <remarks>Assran et al., I-JEPA, arXiv 2301.08243: blocks of 0.15 to 0.2 of the grid and of aspect 0.75 to 1.5, which one number decides together. Here the aspect is relative to the grid's own,
/// so that blocks fit grids of a few rows, and every cell can be in one; at a mask ratio of 0.48 there are four of them, as published. docs/method.md section 2.</remarks>
internal sealed class MultiBlockMasking : IMaskingStrategy
{
    private const double LeastScale = 0.15, MostScale = 0.2, LeastAspect = 0.75, MostAspect = 1.5;

    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context)
    {
        PatchGrid grid = clip.Grid;
        if (context.HintRatio >= HintRatio.Random)
            return RandomMasking.Draw(grid, context);

        (RandomStream random, RandomStream shared) = (context.Clip, context.Batch);
        int maskedCount = grid.Count - grid.VisibleCount(context.MaskRatio);
        (int height, int width) = SizeOf(grid, shared.NextDouble());
        Span<bool> isCovered = grid.Count <= Scratch.OnStack ? stackalloc bool[grid.Count] : new bool[grid.Count];
        isCovered.Clear();
        while (isCovered.Count(true) < maskedCount)
        {
            int top = random.NextInt32(grid.Rows - height + 1), left = random.NextInt32(grid.Columns - width + 1);
            for (int row = top; row < top + height; row++)
                isCovered.Slice(row * grid.Columns + left, width).Fill(true);
        }
        Span<int> ids = grid.Count <= Scratch.OnStack ? stackalloc int[grid.Count] : new int[grid.Count];
        Blocks.Settle(isCovered, maskedCount, ids, ref random);
        return PatchMask.Of(ids[maskedCount..], ids[..maskedCount]);
    }

    /// <summary>Rows and columns of a block.</summary>
    /// <param name="grid">The patch grid.</param>
    /// <param name="share">Decides scale and aspect, 0 .. 1.</param>
    private static (int Height, int Width) SizeOf(PatchGrid grid, double share)
    {
        double scale = LeastScale + share * (MostScale - LeastScale), aspect = LeastAspect + share * (MostAspect - LeastAspect);
        static int Side(double length, int most) => Math.Clamp((int)Math.Round(length), 1, most);
        return (Side(Math.Sqrt(scale * aspect) * grid.Rows, grid.Rows), Side(Math.Sqrt(scale / aspect) * grid.Columns, grid.Columns));
    }
}

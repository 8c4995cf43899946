using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>Sets of patches made of blocks of one size: what <c>inverse-block</c> shows and <c>block</c> hides.</summary>
internal static class Blocks
{
    /// <summary>The published excess of covered patches, which makes up for blocks that overlap or are cut at the edges.</summary>
    private const double Excess = 0.07;

    /// <summary>floor(L * (share + 0.07) / patches of a block): how many block centres are drawn to cover a share of the grid.</summary>
    public static int CentreCount(PatchGrid grid, double share, MaskBlock size) => (int)(grid.Count * (share + Excess) / ((double)size.Rows * size.Columns));

    /// <summary>
    /// Draws block centres uniformly with replacement, then adds or removes uniformly random patches until exactly
    /// <paramref name="count"/> are chosen.
    /// </summary>
    /// <param name="grid">The patch grid.</param>
    /// <param name="size">Of a block.</param>
    /// <param name="centres">How many blocks.</param>
    /// <param name="count">How many patches to choose.</param>
    /// <param name="ids">[L], receives the chosen ids and then the others.</param>
    /// <param name="random">The clip's stream.</param>
    public static void Choose(PatchGrid grid, MaskBlock size, int centres, int count, Span<int> ids, ref RandomStream random)
    {
        Span<bool> isCovered = ids.Length <= Scratch.OnStack ? stackalloc bool[ids.Length] : new bool[ids.Length];
        isCovered.Clear();
        for (; centres > 0; centres--)
            Cover(grid, size, random.NextInt32(grid.Count), isCovered);
        Settle(isCovered, count, ids, ref random);
    }

    /// <summary>Adds or removes uniformly random patches until exactly <paramref name="count"/> are chosen.</summary>
    /// <param name="isCovered">[L], whether blocks cover a patch.</param>
    /// <param name="count">How many patches to choose.</param>
    /// <param name="ids">[L], receives the chosen ids and then the others.</param>
    /// <param name="random">The clip's stream.</param>
    public static void Settle(ReadOnlySpan<bool> isCovered, int count, Span<int> ids, ref RandomStream random)
    {
        int covered = isCovered.Count(true), first = 0, rest = covered;
        for (int id = 0; id < ids.Length; id++)
            ids[isCovered[id] ? first++ : rest++] = id;

        if (covered > count)
            random.ShuffleFront(ids[..covered], count);
        else
            random.ShuffleFront(ids[covered..], count - covered);
    }

    /// <summary>Of an even side, the greater half lies before the centre, as published.</summary>
    private static void Cover(PatchGrid grid, MaskBlock size, int centre, Span<bool> isCovered)
    {
        (int top, int bottom) = Within(centre / grid.Columns, size.Rows, grid.Rows);
        (int left, int right) = Within(centre % grid.Columns, size.Columns, grid.Columns);
        for (int row = top; row < bottom; row++)
            isCovered[(row * grid.Columns + left)..(row * grid.Columns + right)].Fill(true);
    }

    /// <summary>What of a side lies within the grid: from, and up to.</summary>
    private static (int From, int To) Within(int centre, int side, int most) => (Math.Max(centre - side / 2, 0), Math.Min(centre - side / 2 + side, most));
}

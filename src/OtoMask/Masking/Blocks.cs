using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>Sets of patches made of 5 x 5 blocks: what <c>inverse-block</c> shows and <c>block</c> hides.</summary>
internal static class Blocks
{
    private const int Side = 5, Reach = Side / 2;

    /// <summary>The published excess of covered patches, which makes up for blocks that overlap or are cut at the edges.</summary>
    private const double Excess = 0.07;

    /// <summary>floor(L * (share + 0.07) / 25): how many block centres are drawn to cover a share of the grid.</summary>
    public static int CentreCount(PatchGrid grid, double share) => (int)(grid.Count * (share + Excess) / (Side * Side));

    /// <summary>
    /// Draws block centres uniformly with replacement, then adds or removes uniformly random patches until exactly
    /// <paramref name="count"/> are chosen.
    /// </summary>
    /// <param name="grid">The patch grid.</param>
    /// <param name="centres">How many blocks.</param>
    /// <param name="count">How many patches to choose.</param>
    /// <param name="ids">[L], receives the chosen ids and then the others.</param>
    /// <param name="random">The clip's stream.</param>
    public static void Choose(PatchGrid grid, int centres, int count, Span<int> ids, ref RandomStream random)
    {
        Span<bool> isCovered = ids.Length <= Scratch.OnStack ? stackalloc bool[ids.Length] : new bool[ids.Length];
        isCovered.Clear();
        for (; centres > 0; centres--)
            Cover(grid, random.NextInt32(grid.Count), isCovered);
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

    private static void Cover(PatchGrid grid, int centre, Span<bool> isCovered)
    {
        int row = centre / grid.Columns, column = centre % grid.Columns;
        int left = Math.Max(column - Reach, 0), right = Math.Min(column + Reach, grid.Columns - 1);
        for (int r = Math.Max(row - Reach, 0); r <= Math.Min(row + Reach, grid.Rows - 1); r++)
            isCovered.Slice(r * grid.Columns + left, right - left + 1).Fill(true);
    }
}

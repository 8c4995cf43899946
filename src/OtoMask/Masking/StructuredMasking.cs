using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>
/// <c>structured</c>: whole frequency rows and time columns are masked (patch-out for fine-tuning). How many is drawn once for
/// the batch, which ones for each clip. The hint ratio is ignored.
/// </summary>
/// <remarks>After Koutini et al., "Efficient Training of Audio Transformers with Patchout", Interspeech 2022; docs/method.md section 2.
/// The visible count is only near L * (1 - ratio), and the same for all clips of a batch.</remarks>
internal sealed class StructuredMasking : IMaskingStrategy
{
    /// <inheritdoc/>
    public PatchMask Sample(in PatchView clip, in MaskingContext context)
    {
        PatchGrid grid = clip.Grid;
        RandomStream batch = context.Batch, random = context.Clip;
        var (maskedRows, maskedColumns) = MaskedLines(grid, context.MaskRatio, batch.NextDouble());

        Span<bool> isMasked = grid.Count <= Scratch.OnStack ? stackalloc bool[grid.Count] : new bool[grid.Count];
        isMasked.Clear();
        foreach (int row in Draw(grid.Rows, maskedRows, ref random))
            isMasked.Slice(row * grid.Columns, grid.Columns).Fill(true);
        foreach (int column in Draw(grid.Columns, maskedColumns, ref random))
            for (int row = 0; row < grid.Rows; row++)
                isMasked[row * grid.Columns + column] = true;

        int visibleCount = (grid.Rows - maskedRows) * (grid.Columns - maskedColumns);
        return PatchMask.Of(isMasked, grid.Count - visibleCount);
    }

    /// <summary>(n_f, n_t): how many rows and columns are masked for the batch's <paramref name="u"/> in [0, 1).</summary>
    internal static (int Rows, int Columns) MaskedLines(PatchGrid grid, double maskRatio, double u)
    {
        int rows = Math.Min((int)(grid.Rows * (maskRatio + 1.0 / grid.Rows) * u), grid.Rows - 1);
        double columnShare = maskRatio + 0.5 / grid.Columns - (double)rows / grid.Rows;
        return (rows, (int)(grid.Columns * Math.Max(columnShare, 0)));
    }

    /// <summary>Why a batch could come out with nothing visible or nothing masked; null if it cannot.</summary>
    internal static string? Impossible(PatchGrid grid, double maskRatio)
    {
        // The extremes are reached when no row is masked: with a row, something is masked and fewer columns are.
        int columns = MaskedLines(grid, maskRatio, 0).Columns;
        return columns < 1 ? "a batch may mask nothing" : columns >= grid.Columns ? "a batch may mask everything" : null;
    }

    private static ReadOnlySpan<int> Draw(int lines, int count, ref RandomStream random)
    {
        int[] all = [.. Enumerable.Range(0, lines)];
        random.ShuffleFront<int>(all, count);
        return all.AsSpan(0, count);
    }
}

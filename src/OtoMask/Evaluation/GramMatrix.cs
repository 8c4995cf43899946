using System.Numerics;

namespace OtoMask.Evaluation;

/// <summary>The Gram matrix X^T X of a tall matrix, in double, vectorised and on all cores.</summary>
/// <remarks>
/// Every entry is summed in the order of the rows, so the result depends neither on the number of cores nor on their timing.
/// </remarks>
internal static class GramMatrix
{
    // 64 rows of 768 doubles stay in a core's second-level cache while every entry takes its share of them.
    private const int RowsAtOnce = 64;

    /// <summary>X^T X, [width, width], symmetric.</summary>
    /// <param name="rows">X, [n, width], row-major.</param>
    /// <param name="width">The number of columns.</param>
    public static double[] Of(double[] rows, int width)
    {
        var gram = new double[width * width];
        int count = rows.Length / width;
        for (int first = 0; first < count; first += RowsAtOnce)
        {
            int start = first * width;
            int length = Math.Min(RowsAtOnce, count - first) * width;
            Parallel.For(0, width, i => AddProducts(rows.AsSpan(start, length), width, i, gram.AsSpan(i * width, width)));
        }
        for (int i = 1; i < width; i++)
        {
            for (int j = 0; j < i; j++)
                gram[i * width + j] = gram[j * width + i];
        }
        return gram;
    }

    /// <summary>Adds, over the rows given, the products of column i and each column from i on to row i of the upper triangle.</summary>
    private static void AddProducts(ReadOnlySpan<double> rows, int width, int i, Span<double> gramRow)
    {
        // Four rows a pass: each sum is loaded and stored once for four products.
        for (; rows.Length >= 4 * width; rows = rows[(4 * width)..])
            AddFourRows(rows[..width], rows[width..][..width], rows[(2 * width)..][..width], rows[(3 * width)..][..width], i, gramRow);
        for (; rows.Length > 0; rows = rows[width..])
        {
            for (int j = i; j < width; j++)
                gramRow[j] += rows[i] * rows[j];
        }
    }

    private static void AddFourRows(
        ReadOnlySpan<double> a, ReadOnlySpan<double> b, ReadOnlySpan<double> c, ReadOnlySpan<double> d, int i, Span<double> gramRow)
    {
        Vector<double> ai = new(a[i]), bi = new(b[i]), ci = new(c[i]), di = new(d[i]);
        int j = i;
        for (; j <= gramRow.Length - Vector<double>.Count; j += Vector<double>.Count)
        {
            Vector<double> sums = new(gramRow[j..]);
            sums = Vector.FusedMultiplyAdd(ai, new Vector<double>(a[j..]), sums);
            sums = Vector.FusedMultiplyAdd(bi, new Vector<double>(b[j..]), sums);
            sums = Vector.FusedMultiplyAdd(ci, new Vector<double>(c[j..]), sums);
            sums = Vector.FusedMultiplyAdd(di, new Vector<double>(d[j..]), sums);
            sums.CopyTo(gramRow[j..]);
        }
        for (; j < gramRow.Length; j++)
            gramRow[j] += a[i] * a[j] + b[i] * b[j] + c[i] * c[j] + d[i] * d[j];
    }
}

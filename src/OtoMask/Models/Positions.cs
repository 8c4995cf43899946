namespace OtoMask.Models;

/// <summary>Fixed two-dimensional sine-cosine positions.</summary>
/// <remarks>docs/method.md section 3: the first half of the width encodes time, the second frequency; each is [sin(p w), cos(p w)]
/// with w_i = 10000^(-i / (D/4)).</remarks>
internal static class Positions
{
    /// <summary>The table [1 + L, D]: row 0 is CLS (zeros), row 1 + f * Nt + t is patch (f, t).</summary>
    /// <param name="rows">Nf, patches along frequency.</param>
    /// <param name="columns">Nt, patches along time.</param>
    /// <param name="width">D, a multiple of 4.</param>
    public static float[] Table(int rows, int columns, int width)
    {
        var table = new float[(1 + rows * columns) * width];
        for (int f = 0; f < rows; f++)
        {
            for (int t = 0; t < columns; t++)
            {
                Span<float> row = table.AsSpan((1 + f * columns + t) * width, width);
                Fill(row[..(width / 2)], t);
                Fill(row[(width / 2)..], f);
            }
        }
        return table;
    }

    private static void Fill(Span<float> half, int position)
    {
        int quarter = half.Length / 2;
        for (int i = 0; i < quarter; i++)
        {
            (double sine, double cosine) = Math.SinCos(position * Math.Pow(10000, -(double)i / quarter));
            half[i] = (float)sine;
            half[quarter + i] = (float)cosine;
        }
    }
}

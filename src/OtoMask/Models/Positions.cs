using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Fixed two-dimensional sine-cosine positions.</summary>
/// <remarks>METHOD section 3: the first half of the width encodes time, the second frequency; each is [sin(p w), cos(p w)]
/// with w_i = 10000^(-i / (D/4)).</remarks>
public static class Positions
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

/// <summary>The positions that a model adds to its tokens: sine-cosine, unless a checkpoint brings a table of its own. Not learnt.</summary>
/// <param name="name">The field's name for it: <c>pos_embed</c>, <c>decoder_pos_embed</c>.</param>
/// <param name="shape">Sizes of the model.</param>
/// <param name="width">D, values of one position.</param>
public sealed class PositionTable(string name, ModelShape shape, int width) : IDisposable
{
    private Tensor? values;

    /// <summary>The field's name for it.</summary>
    public string Name { get; } = name;

    /// <summary>[1, 1 + L, D], as checkpoints of the field hold it.</summary>
    public long[] Shape { get; } = [1, 1 + shape.PatchCount, width];

    /// <summary>[1 + L, D]: row 0 is CLS, row 1 + f * Nt + t is patch (f, t).</summary>
    public Tensor Values => values ?? throw new InvalidOperationException($"{Name} has no values before the model is laid out");

    /// <inheritdoc/>
    public void Dispose() => values?.Dispose();

    /// <summary>Places the sine-cosine table on the device.</summary>
    internal void LayOut(Device device)
    {
        using var scope = new TensorScope();
        values = scope.KeepForever(Tensor.From(Positions.Table(shape.GridRows, shape.GridColumns, width), Shape[1], width).To(device));
    }
}

using OtoMask.Geometry;
using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>The positions that a model adds to its tokens: sine-cosine, unless a checkpoint brings a table of its own. Not learnt.</summary>
/// <param name="name">The field's name for it: <c>pos_embed</c>, <c>decoder_pos_embed</c>.</param>
/// <param name="grid">(Nf, Nt), the patches of the input.</param>
/// <param name="width">D, values of one position.</param>
internal sealed class PositionTable(string name, PatchGrid grid, int width) : IDisposable
{
    private readonly int rows = grid.Rows, columns = grid.Columns;
    private Tensor? values;

    /// <summary>The field's name for it.</summary>
    public string Name { get; } = name;

    /// <summary>[1, 1 + L, D], as checkpoints of the field hold it.</summary>
    public long[] Shape { get; } = [1, 1 + grid.Count, width];

    /// <summary>[1 + L, D]: row 0 is CLS, row 1 + f * Nt + t is patch (f, t).</summary>
    public Tensor Values => values ?? throw new InvalidOperationException($"{Name} has no values before the model is laid out");

    /// <summary>Takes over the positions of a model with another length of input: a shorter one's are stretched along time by bicubic
    /// interpolation (no antialiasing), a longer one's cut at the end (docs/method.md section 7).</summary>
    /// <param name="other">A table of as many rows and of the same width.</param>
    /// <exception cref="ArgumentException">It has other rows or another width.</exception>
    public void TakeOver(PositionTable other)
    {
        if ((other.rows, other.Shape[2]) != (rows, Shape[2]))
            throw new ArgumentException($"positions of {other.rows} rows and width {other.Shape[2]} do not fit {rows} rows and width {Shape[2]}", nameof(other));
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        Tensor patches = other.Values.Narrow(0, 1, rows * other.columns).View(1, rows, other.columns, width); // [1, Nf, Nt', D]
        patches = columns > other.columns
            ? F.ResizeBicubic(patches.Permute(0, 3, 1, 2), rows, columns).Permute(0, 2, 3, 1)
            : patches.Narrow(2, 0, columns);
        Values.CopyFrom(Tensor.Cat(0, other.Values.Narrow(0, 0, 1), patches.Reshape(rows * columns, width)));
    }

    /// <inheritdoc/>
    public void Dispose() => values?.Dispose();

    /// <summary>Places the sine-cosine table on the device.</summary>
    internal void LayOut(Device device)
    {
        using var scope = new TensorScope();
        values = scope.KeepForever(Tensor.Send(device, Positions.Table(rows, columns, width), Shape[1], width));
    }
}

using System.Runtime.InteropServices;

namespace OtoMask.Interop;

/// <summary>
/// Writes one float32 array of unknown length, row after row: a head of fixed size is left blank, and filled in when the number of rows is known.
/// Memory stays flat however long the array gets.
/// </summary>
internal abstract class RowWriter
{
    private readonly FileStream stream;
    private readonly int[] rowShape;
    private readonly int rowSize, headBytes;

    /// <param name="stream">Empty, writable and seekable; it stays the caller's.</param>
    /// <param name="rowShape">Shape of one row.</param>
    private protected RowWriter(FileStream stream, int[] rowShape)
    {
        (this.stream, this.rowShape) = (stream, rowShape);
        rowSize = rowShape.Aggregate(1, (product, length) => checked(product * length));
        headBytes = Head([int.MaxValue, .. rowShape], 0).Length; // no head is longer
        stream.SetLength(headBytes);
        stream.Position = headBytes;
    }

    /// <summary>Rows written so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Appends whole rows.</summary>
    public void Append(ReadOnlySpan<float> rows)
    {
        if (rows.Length % rowSize != 0)
            throw new ArgumentException($"{rows.Length} values are not whole rows of {rowSize}", nameof(rows));
        stream.Write(MemoryMarshal.AsBytes(rows));
        Rows += rows.Length / rowSize;
    }

    /// <summary>Takes back all rows from number <paramref name="rows"/> on.</summary>
    public void Truncate(long rows)
    {
        Rows = rows;
        stream.SetLength(headBytes + rows * rowSize * sizeof(float));
        stream.Seek(0, SeekOrigin.End);
    }

    /// <summary>Fills the head in; nothing can be appended any more.</summary>
    public virtual void Complete()
    {
        stream.Position = 0;
        stream.Write(Head([checked((int)Rows), .. rowShape], headBytes));
    }

    /// <summary>The head of an array of this shape, filled up to at least <paramref name="atLeastBytes"/>.</summary>
    private protected abstract byte[] Head(int[] shape, int atLeastBytes);
}

/// <summary>A <c>.npy</c> file written row after row.</summary>
/// <inheritdoc cref="RowWriter(FileStream, int[])"/>
internal sealed class NpyRowWriter(FileStream stream, params int[] rowShape) : RowWriter(stream, rowShape)
{
    private protected override byte[] Head(int[] shape, int atLeastBytes) => NpyHeader.Encode("<f4", shape, atLeastBytes);
}

/// <summary>A safetensors file with a single tensor, written row after row; checked as every file of <see cref="SafetensorsFile"/>.</summary>
/// <param name="stream">Empty, readable, writable and seekable; it stays the caller's.</param>
/// <param name="name">Name of the tensor.</param>
/// <param name="metadata">Free text by key.</param>
/// <param name="rowShape">Shape of one row.</param>
internal sealed class SafetensorsRowWriter(FileStream stream, string name, IReadOnlyDictionary<string, string> metadata, params int[] rowShape)
    : RowWriter(stream, rowShape)
{
    private readonly FileStream stream = stream;

    public override void Complete()
    {
        base.Complete();
        SafetensorsFile.PutDigest(stream);
    }

    private protected override byte[] Head(int[] shape, int atLeastBytes)
    {
        SafetensorsEntry entry = new(name, "F32", [.. shape.Select(length => (long)length)], _ => { });
        byte[] header = SafetensorsHeader.Compose([entry], metadata, atLeastBytes - sizeof(ulong));
        return [.. SafetensorsFile.LengthPrefix(header), .. header];
    }
}

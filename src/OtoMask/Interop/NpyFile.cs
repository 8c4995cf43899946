using System.Numerics;
using System.Runtime.InteropServices;

namespace OtoMask.Interop;

/// <summary>Reads and writes NumPy's <c>.npy</c> files, little endian.</summary>
/// <remarks>Files may come from strangers: the size that a header claims is held against the file's length before
/// anything is allocated, and whatever is wrong ends in one <see cref="UserErrorException"/>.</remarks>
public static class NpyFile
{
    private const int ValuesPerBlock = 1 << 14, MostValues = 1 << 27; // four hours of 80 bands, 512 MiB

    /// <summary>Reads float16, float32, float64, int32, int64, uint8 or bool values as floats.</summary>
    /// <remarks>Whole numbers beyond 2^24 are rounded; read them by <see cref="ReadInt64"/>. Fortran order is put in C order.</remarks>
    /// <exception cref="UserErrorException">The file is missing, may not be read, or holds no such array.</exception>
    public static NpyArray Read(string path) => Open(path, (stream, header) => new NpyArray(header.Shape, header.Descr switch
    {
        "<f4" => ReadValues<float, float>(stream, header),
        "<f8" => ReadValues<double, float>(stream, header),
        "<f2" => ReadValues<Half, float>(stream, header),
        "<i4" => ReadValues<int, float>(stream, header),
        "<i8" => ReadValues<long, float>(stream, header),
        "|u1" or "|b1" => ReadValues<byte, float>(stream, header),
        _ => throw new FormatException(
            $"it holds values of type '{header.Descr}'; supported are little-endian float16/32/64, int32/64, uint8 and bool"),
    }));

    /// <summary>Reads int32, int64, uint8 or bool values exactly.</summary>
    /// <exception cref="UserErrorException">The file is missing, may not be read, or holds no such array.</exception>
    internal static NpyIntegerArray ReadInt64(string path) => Open(path, (stream, header) => new NpyIntegerArray(header.Shape, header.Descr switch
    {
        "<i8" => ReadValues<long, long>(stream, header),
        "<i4" => ReadValues<int, long>(stream, header),
        "|u1" or "|b1" => ReadValues<byte, long>(stream, header),
        _ => throw new FormatException(
            $"it holds values of type '{header.Descr}'; whole numbers are needed: little-endian int32/64, uint8 or bool"),
    }));

    /// <summary>Reads the head alone: type and shape, no values.</summary>
    /// <exception cref="UserErrorException">The file is missing, may not be read, or is no <c>.npy</c> file.</exception>
    internal static NpyHeader ReadHeader(string path) => Open(path, (_, header) => header);

    /// <summary>Writes float32 values in C order; the file appears whole or not at all.</summary>
    /// <param name="path">Where to write; its folder must exist.</param>
    /// <param name="values">As many values as the product of <paramref name="shape"/>.</param>
    /// <param name="shape">Length of every axis, outermost first; none for a scalar.</param>
    /// <exception cref="ArgumentException">Values and shape do not agree.</exception>
    /// <exception cref="UserErrorException">The folder is missing or may not be written to.</exception>
    public static void Write(string path, ReadOnlySpan<float> values, params int[] shape)
    {
        if (shape.Any(length => length < 0) || shape.Aggregate(1L, (product, length) => product * length) != values.Length)
            throw new ArgumentException($"{values.Length} values do not fill the shape ({string.Join(", ", shape)})", nameof(shape));
        AtomicFile.Write(path, values, (stream, all) =>
        {
            stream.Write(NpyHeader.Encode("<f4", shape));
            stream.Write(MemoryMarshal.AsBytes(all));
        });
    }

    private static T Open<T>(string path, Func<FileStream, NpyHeader, T> read)
    {
        try
        {
            using FileStream stream = InputFile.Open(path);
            return read(stream, NpyHeader.Read(stream));
        }
        catch (Exception e) when (e is FormatException or IOException)
        {
            throw new UserErrorException($"cannot read the array {path}: {e.Message}", e);
        }
    }

    private static TValue[] ReadValues<TStored, TValue>(FileStream stream, NpyHeader header)
        where TStored : unmanaged, INumberBase<TStored>
        where TValue : unmanaged, INumberBase<TValue>
    {
        long claimed = header.Count * Marshal.SizeOf<TStored>(), present = stream.Length - header.DataOffset;
        if (claimed != present)
            throw new FormatException($"its shape ({string.Join(", ", header.Shape)}) needs {claimed} bytes of values, but {present} follow the header");
        if (header.Count > MostValues)
            throw new FormatException($"its {header.Count} values are more than the {MostValues} that are read at once; cut it in several files");
        TValue[] values = new TValue[header.Count];
        TStored[] block = new TStored[Math.Min(ValuesPerBlock, values.Length)];
        for (int done = 0; done < values.Length; done += block.Length)
        {
            Span<TStored> stored = block.AsSpan(0, Math.Min(block.Length, values.Length - done));
            stream.ReadExactly(MemoryMarshal.AsBytes(stored));
            for (int i = 0; i < stored.Length; i++)
                values[done + i] = TValue.CreateTruncating(stored[i]);
        }
        return header.FortranOrder ? InCOrder(values, header.Shape) : values;
    }

    /// <summary>Puts values whose first axis varies fastest in the order in which the last one does.</summary>
    private static T[] InCOrder<T>(T[] values, int[] shape)
    {
        T[] ordered = new T[values.Length];
        int[] place = new int[shape.Length];
        for (int from = 0; from < values.Length; from++)
        {
            int to = 0;
            for (int axis = 0; axis < shape.Length; axis++)
                to = to * shape[axis] + place[axis];
            ordered[to] = values[from];
            for (int axis = 0; axis < shape.Length && ++place[axis] == shape[axis]; axis++)
                place[axis] = 0;
        }
        return ordered;
    }
}

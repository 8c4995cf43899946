using System.Runtime.InteropServices;

namespace OtoMask.Interop;

/// <summary>
/// A tensor at rest, as files hold it: the element type by its safetensors name, the shape, and the elements in row-major order as
/// little-endian bytes, in host memory or still in the file.
/// </summary>
public sealed class HostTensor
{
    private readonly Func<byte[]> read;

    /// <summary>A tensor in memory.</summary>
    /// <param name="dtype">One of <c>BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64</c>.</param>
    /// <param name="shape">Sizes of the dimensions; empty for a scalar.</param>
    /// <param name="data">Exactly product(<paramref name="shape"/>) * size(<paramref name="dtype"/>) bytes.</param>
    public HostTensor(string dtype, long[] shape, byte[] data)
        : this(dtype, shape, () => data)
    {
        if (data.LongLength != ByteCount(dtype, shape))
            throw new ArgumentException($"{data.LongLength} bytes do not make a {dtype} tensor of shape [{string.Join(", ", shape)}]");
    }

    /// <summary>A tensor in a file.</summary>
    /// <param name="dtype">As of one in memory.</param>
    /// <param name="shape">As of one in memory; the bytes of all fit in an array.</param>
    /// <param name="read">Reads the bytes, as many as type and shape want, each time it is called.</param>
    internal HostTensor(string dtype, long[] shape, Func<byte[]> read) => (DType, Shape, this.read) = (dtype, shape, read);

    /// <summary>The element type by its safetensors name.</summary>
    public string DType { get; }

    /// <summary>Sizes of the dimensions; empty for a scalar.</summary>
    public long[] Shape { get; }

    /// <summary>The elements as little-endian bytes, row-major; those of a tensor in a file are read anew each time.</summary>
    /// <exception cref="UserErrorException">The file was cut short since it was opened.</exception>
    public byte[] Data => read();

    /// <summary>The number of elements, product of <see cref="Shape"/>.</summary>
    public int Count => (int)(ByteCount(DType, Shape) / ElementSize(DType));

    /// <summary>Copies float32 values into a tensor of the given shape.</summary>
    public static HostTensor FromFloats(ReadOnlySpan<float> values, params long[] shape) =>
        new("F32", shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>
    /// The elements as float32, row-major. Wider types are rounded to the nearest float32; booleans become 0 and 1.
    /// </summary>
    public float[] ToFloats() => Floats().ToArray();

    /// <summary>The same without a copy where they are float32 already.</summary>
    internal ReadOnlySpan<float> Floats() => DType switch
    {
        "F32" => MemoryMarshal.Cast<byte, float>(Data),
        "F64" => Convert<double>(static x => (float)x),
        "F16" => Convert<Half>(static x => (float)x),
        "BF16" => Convert<ushort>(static bits => BitConverter.UInt32BitsToSingle((uint)bits << 16)),
        "I64" => Convert<long>(static x => x),
        "U64" => Convert<ulong>(static x => x),
        "I32" => Convert<int>(static x => x),
        "U32" => Convert<uint>(static x => x),
        "I16" => Convert<short>(static x => x),
        "U16" => Convert<ushort>(static x => x),
        "I8" => Convert<sbyte>(static x => x),
        "U8" => Convert<byte>(static x => x),
        "BOOL" => Convert<byte>(static x => x == 0 ? 0 : 1),
        _ => throw new ArgumentException($"element type {DType} is not a number"),
    };

    /// <summary>The size in bytes of one element.</summary>
    /// <exception cref="ArgumentException">The name is none of those that <see cref="DType"/> lists.</exception>
    internal static int ElementSize(string dtype) => dtype switch
    {
        "BOOL" or "U8" or "I8" => 1,
        "U16" or "I16" or "F16" or "BF16" => 2,
        "U32" or "I32" or "F32" => 4,
        "U64" or "I64" or "F64" => 8,
        _ => throw new ArgumentException($"unknown element type '{dtype}'"),
    };

    /// <summary>The bytes that a tensor of this type and shape takes.</summary>
    /// <exception cref="ArgumentException">Unknown type, negative size, or more bytes than a 64-bit count holds.</exception>
    internal static long ByteCount(string dtype, ReadOnlySpan<long> shape)
    {
        // A zero anywhere empties the tensor, however absurd the other sizes are.
        Int128 bytes = shape.Contains(0) ? 0 : ElementSize(dtype);
        foreach (long size in shape)
        {
            if (size < 0)
                throw new ArgumentException($"negative size {size} in a tensor's shape");
            bytes *= size;
            if (bytes > long.MaxValue)
                throw new ArgumentException("a tensor's shape overflows");
        }
        return (long)bytes;
    }

    private float[] Convert<T>(Func<T, float> toFloat) where T : struct
    {
        ReadOnlySpan<T> elements = MemoryMarshal.Cast<byte, T>(Data);
        var floats = new float[elements.Length];
        for (int i = 0; i < floats.Length; i++)
            floats[i] = toFloat(elements[i]);
        return floats;
    }
}

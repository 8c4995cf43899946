using System.Runtime.InteropServices;
using OtoMask.Torch.Interop;

namespace OtoMask.Torch;

/// <summary>
/// A libtorch tensor: values of one type in a rectangular shape on one device. Owns one native reference; dispose it, or
/// make it inside a <see cref="TensorScope"/>. Operators are split by topic over <c>Tensor.*.cs</c>.
/// </summary>
public sealed partial class Tensor : IDisposable
{
    private const int MostDimensions = 16;

    internal Tensor(nint handle)
    {
        Handle = new TensorHandle(handle);
        TensorScope.Adopt(this);
    }

    internal TensorHandle Handle { get; }

    internal TensorScope? Scope { get; set; }

    /// <summary>Lengths of the dimensions, outermost first.</summary>
    public unsafe long[] Shape
    {
        get
        {
            long* sizes = stackalloc long[MostDimensions];
            NativeMethods.Check(NativeMethods.om_sizes(Handle.Raw, sizes, MostDimensions, out int dims));
            GC.KeepAlive(this);
            return new ReadOnlySpan<long>(sizes, dims).ToArray();
        }
    }

    /// <summary>Number of values.</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (long size in Shape)
                count *= size;
            return count;
        }
    }

    /// <summary>Type of the values.</summary>
    public DType DType
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_dtype(Handle.Raw, out int type));
            GC.KeepAlive(this);
            return (DType)type;
        }
    }

    /// <summary>Where the values live.</summary>
    public Device Device
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_device(Handle.Raw, out nint name));
            GC.KeepAlive(this);
            return new Device(Marshal.PtrToStringUTF8(name)!);
        }
    }

    /// <summary>A copy of host values. Float, double, long, byte and bool are known.</summary>
    /// <exception cref="ArgumentException">The shape does not hold as many values, or the type is unknown.</exception>
    public static unsafe Tensor From<T>(ReadOnlySpan<T> values, params ReadOnlySpan<long> shape) where T : unmanaged
    {
        long count = 1;
        foreach (long size in shape)
            count *= size;
        if (count != values.Length)
            throw new ArgumentException($"the shape [{string.Join(", ", shape.ToArray())}] holds {count} values, not {values.Length}");
        fixed (T* data = values)
        fixed (long* sizes = shape)
        {
            NativeMethods.Check(NativeMethods.om_from_memory(data, sizes, shape.Length, (int)TypeOf<T>(), out nint handle));
            return new Tensor(handle);
        }
    }

    /// <inheritdoc cref="From{T}(ReadOnlySpan{T}, ReadOnlySpan{long})"/>
    public static Tensor From<T>(T[] values, params ReadOnlySpan<long> shape) where T : unmanaged => From((ReadOnlySpan<T>)values, shape);

    /// <summary>Copies all values, in row-major order, to host memory.</summary>
    /// <exception cref="ArgumentException">The tensor's type is not <typeparamref name="T"/>.</exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        var values = new T[Count];
        CopyTo<T>(values);
        return values;
    }

    /// <summary>Copies all values, in row-major order, to <paramref name="destination"/>, which holds exactly as many.</summary>
    public unsafe void CopyTo<T>(Span<T> destination) where T : unmanaged
    {
        if (DType != TypeOf<T>())
            throw new ArgumentException($"the tensor holds {DType}, not {TypeOf<T>()}");
        fixed (T* data = destination)
            NativeMethods.Check(NativeMethods.om_to_memory(Handle.Raw, data, (long)destination.Length * sizeof(T)));
        GC.KeepAlive(this);
    }

    /// <summary>
    /// The memory of a contiguous float32 tensor on the CPU, to read or write. It is valid while the tensor lives.
    /// </summary>
    public unsafe Span<float> Memory()
    {
        if (DType != DType.Float32)
            throw new ArgumentException($"the tensor holds {DType}, not {DType.Float32}");
        NativeMethods.Check(NativeMethods.om_data(Handle.Raw, out nint data));
        return new Span<float>((void*)data, checked((int)Count));
    }

    /// <summary>The value of a tensor that holds one, as a double.</summary>
    public double Item() => Count == 1
        ? To(DType.Float64).DisposeAfter(one => one.ToArray<double>()[0])
        : throw new InvalidOperationException($"a tensor of {Count} values is no single number");

    /// <summary>Computes gradients of this single value for every leaf that requires them.</summary>
    public void Backward()
    {
        NativeMethods.Check(NativeMethods.om_backward(Handle.Raw));
        GC.KeepAlive(this);
    }

    /// <summary>The accumulated gradient of a leaf, or null before any <see cref="Backward"/>.</summary>
    public Tensor? Gradient
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_grad(Handle.Raw, out nint gradient));
            GC.KeepAlive(this);
            return gradient == 0 ? null : new Tensor(gradient);
        }

        set
        {
            NativeMethods.Check(NativeMethods.om_set_grad(Handle.Raw, value?.Handle.Raw ?? 0));
            GC.KeepAlive(this);
            GC.KeepAlive(value);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    /// <inheritdoc/>
    public override string ToString() => Handle.IsClosed ? "Tensor (disposed)" : $"{DType}[{string.Join(", ", Shape)}] on {Device}";

    private T DisposeAfter<T>(Func<Tensor, T> read)
    {
        using (this)
            return read(this);
    }

    internal static DType TypeOf<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.Float32
        : typeof(T) == typeof(double) ? DType.Float64
        : typeof(T) == typeof(long) ? DType.Int64
        : typeof(T) == typeof(byte) ? DType.UInt8
        : typeof(T) == typeof(bool) ? DType.Bool
        : throw new ArgumentException($"no tensor holds values of type {typeof(T).Name}");
}

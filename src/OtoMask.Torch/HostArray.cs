namespace OtoMask.Torch;

/// <summary>Values of the host that are to become a tensor, on whatever device: see <see cref="Tensor.Send(Device, ReadOnlySpan{HostArray})"/>.</summary>
internal readonly struct HostArray
{
    private HostArray(Array values, DType type, long[] shape) => (Values, Type, Shape) = (values, type, shape);

    internal Array Values { get; }

    internal DType Type { get; }

    internal long[] Shape { get; }

    /// <summary>The first values of an array, which may be longer than the shape, in row-major order. Float, double, long and byte are known.</summary>
    /// <exception cref="ArgumentException">The array holds fewer values, or the type is unknown.</exception>
    public static HostArray Of<T>(T[] values, params long[] shape) where T : unmanaged
    {
        long count = shape.Aggregate(1L, (product, size) => product * size);
        return count <= values.Length
            ? new HostArray(values, Tensor.TypeOf<T>(), shape)
            : throw new ArgumentException($"the shape [{string.Join(", ", shape)}] holds {count} values, not {values.Length}", nameof(shape));
    }
}

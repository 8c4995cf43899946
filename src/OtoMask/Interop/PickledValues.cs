namespace OtoMask.Interop;

// What a pickle becomes: null, bool, long, double, System.Numerics.BigInteger, string, byte[], List<object?> for lists, tuples and
// sets, and the types below. Containers may contain themselves, so whoever walks the tree must bound the walk.

/// <summary>A Python dict. Keys are strings, numbers or other values (by identity); Python's None is <see cref="DBNull"/>.</summary>
internal sealed class PickledDictionary() : Dictionary<object, object?>(PickledKeys.Comparer)
{
    private const int HashedAtOnce = 64;

    /// <summary>Whether it stands for an object whose attributes are its items (<c>argparse.Namespace</c>).</summary>
    internal bool IsNamespace { get; init; }

    /// <summary>Sets an item, whose key is hashed.</summary>
    /// <param name="key">The key, or null for None.</param>
    /// <param name="value">Its value.</param>
    /// <param name="spend">Told what that costs, in steps.</param>
    internal void Set(object? key, object? value, Action<int> spend)
    {
        spend(1 + (key is string text ? text.Length / HashedAtOnce : 0));
        this[key ?? DBNull.Value] = value;
    }
}

/// <summary>Hashes keys so that a stranger cannot choose numbers that fall together: .NET's own hash of a long is its halves combined by exclusive or.</summary>
internal sealed class PickledKeys : IEqualityComparer<object>
{
    public static PickledKeys Comparer { get; } = new();

    public new bool Equals(object? x, object? y) => object.Equals(x, y);

    public int GetHashCode(object key) => key switch
    {
        long number => Mixed(number),
        double number => Mixed(number == 0 || double.IsNaN(number) ? 0 : BitConverter.DoubleToInt64Bits(number)), // 0 equals -0, NaN equals NaN
        _ => key.GetHashCode(),
    };

    private static int Mixed(long bits) => HashCode.Combine((int)bits, (int)(bits >> 32));
}

/// <summary>An instance of a Python class that is not ours to run: its class, what it was made with and of. Inert.</summary>
internal sealed class PickledObject(string typeName, IReadOnlyList<object?> arguments)
{
    /// <summary>Module and class, as in <c>omegaconf.dictconfig.DictConfig</c>.</summary>
    public string TypeName { get; } = typeName;

    /// <summary>What its constructor was to be given.</summary>
    public IReadOnlyList<object?> Arguments { get; } = arguments;

    /// <summary>The state that Python would restore, usually a <see cref="PickledDictionary"/>; null if none.</summary>
    public object? State { get; internal set; }
}

/// <summary>A Python function or class that is only mentioned.</summary>
/// <param name="Module">As in <c>torch._utils</c>.</param>
/// <param name="Name">As in <c>_rebuild_tensor_v2</c>.</param>
internal sealed record PickledGlobal(string Module, string Name)
{
    /// <summary>Module and name joined by a dot.</summary>
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>A tensor that the checkpoint describes; its elements are not loaded.</summary>
internal sealed class PickledTensor
{
    /// <summary>Describes a view of a storage, and checks that the view stays inside.</summary>
    /// <exception cref="InvalidDataException">It does not, or its sizes are absurd.</exception>
    internal PickledTensor(PickledStorage storage, string dtype, long[] shape, long[] strides, long offset)
    {
        (Storage, DType, Shape, Strides, Offset) = (storage, dtype, shape, strides, offset);
        int elementSize = HostTensor.ElementSize(dtype);
        try
        {
            Bytes = HostTensor.ByteCount(dtype, shape);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
        Int128 last = offset;
        for (int i = 0; i < shape.Length && Bytes > 0; i++)
        {
            last += (Int128)(shape[i] - 1) * strides[i];
            if (strides[i] < 0 || last >= storage.Bytes)
                throw OutOfStorage();
        }
        if (Bytes > 0 && (last + 1) * elementSize > storage.Bytes)
            throw OutOfStorage();
    }

    /// <summary>Element type by its safetensors name.</summary>
    public string DType { get; }

    /// <summary>Sizes of the dimensions.</summary>
    public long[] Shape { get; }

    /// <summary>Distance between neighbours along each dimension, in elements.</summary>
    internal long[] Strides { get; }

    /// <summary>Index of the first element in the storage.</summary>
    internal long Offset { get; }

    internal PickledStorage Storage { get; }

    /// <summary>The bytes that the tensor takes by itself.</summary>
    internal long Bytes { get; }

    private InvalidDataException OutOfStorage() =>
        new($"a tensor of shape [{string.Join(", ", Shape)}] reaches beyond its storage '{Storage.Key}'");
}

/// <summary>A block of elements that tensors are views of; a key into the checkpoint's data.</summary>
/// <param name="Key">Its name within the checkpoint.</param>
/// <param name="DType">Element type by its safetensors name; <c>U8</c> for an untyped storage.</param>
/// <param name="Count">The number of elements.</param>
internal readonly record struct PickledStorage(string Key, string DType, long Count)
{
    public Int128 Bytes => (Int128)Count * HostTensor.ElementSize(DType);
}

using System.Buffers.Binary;

namespace OtoMask.Interop;

/// <summary>
/// The container of <c>torch.save</c> before PyTorch 1.6: five pickles (magic number, protocol, system, the object, the keys of the
/// storages in order), then each storage as its number of elements (int64) and its raw bytes.
/// </summary>
internal sealed class PyTorchLegacyFile : IPyTorchContainer
{
    private const long ProtocolVersion = 1001;

    private readonly Stream stream;
    private readonly Dictionary<string, long> offsets = [];

    /// <summary>Reads the pickles; storages are read when asked for.</summary>
    /// <exception cref="InvalidDataException">No such container, or a damaged one.</exception>
    /// <exception cref="UnsafePickleException">The pickle wants to run code.</exception>
    public PyTorchLegacyFile(Stream stream)
    {
        this.stream = stream;
        var start = new byte[Math.Min(stream.Length, PickleMachine.MaxBytes)];
        stream.ReadExactly(start);
        int position = Magic.Length;

        if (Next().Value is not ProtocolVersion)
            throw new InvalidDataException("its protocol version is unknown");
        if (Next().Value is not PickledDictionary system || system.GetValueOrDefault("little_endian") is not true)
            throw new InvalidDataException("it was written on a big-endian machine, which is not supported");
        Unpickled main = Next();
        Root = main.Value;
        IndexStorages(main.Storages, keys: Next().Value as List<object?> ?? [], position);

        Unpickled Next()
        {
            Unpickled pickle = PickleMachine.Load(start.AsMemory(position));
            position += pickle.Bytes;
            return pickle;
        }
    }

    /// <summary>The pickled magic number that every such file starts with.</summary>
    public static ReadOnlySpan<byte> Magic => [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];

    /// <inheritdoc/>
    public object? Root { get; }

    /// <inheritdoc/>
    public byte[] ReadStorage(PickledStorage storage)
    {
        if (!offsets.TryGetValue(storage.Key, out long offset))
            throw new InvalidDataException($"storage '{storage.Key}' is missing");
        stream.Position = offset;
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)storage.Bytes);
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The stream belongs to the caller, and nothing else is held.
    }

    /// <summary>Walks from storage to storage, each a count of elements and the elements, whose size only the pickle tells.</summary>
    private void IndexStorages(IReadOnlyCollection<PickledStorage> storages, List<object?> keys, long position)
    {
        Dictionary<string, PickledStorage> byKey = storages.ToDictionary(storage => storage.Key);
        Span<byte> count = stackalloc byte[sizeof(long)];
        if (keys.Count > byKey.Count)
            throw new InvalidDataException("it lists more storages than its tensors use");
        foreach (object? key in keys)
        {
            if (key is not string name || !byKey.TryGetValue(name, out PickledStorage storage))
                throw new InvalidDataException("it lists a storage that no tensor uses");
            stream.Position = position;
            stream.ReadExactly(count);
            position += count.Length;
            if (BinaryPrimitives.ReadInt64LittleEndian(count) != storage.Count || storage.Bytes > stream.Length - position)
                throw new InvalidDataException($"storage '{name}' is cut off or has another size than its tensors say");
            offsets[name] = position;
            position += (long)storage.Bytes;
        }
    }
}

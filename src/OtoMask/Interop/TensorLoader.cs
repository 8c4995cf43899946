namespace OtoMask.Interop;

/// <summary>Gathers the elements of pickled tensors, which are strided views of storages.</summary>
internal sealed class TensorLoader
{
    private readonly IPyTorchContainer container;
    private readonly Dictionary<string, byte[]> storages = [];
    private Int128 storageBudget;
    private Int128 copyBudget;

    /// <remarks>
    /// Storages cannot be larger than the file they lie in. Copies can (a broadcast view of one element has any
    /// size), but those of honest files hardly are: a tensor that is its whole storage, tied or not, is not copied.
    /// </remarks>
    private TensorLoader(IPyTorchContainer container, long fileBytes)
    {
        this.container = container;
        storageBudget = fileBytes;
        copyBudget = 2 * (Int128)fileBytes + (1 << 20);
    }

    /// <summary>Loads the tensors of a state dict, and those of dictionaries in it, whose names come after the dictionary's and a dot; other values in it are passed over.</summary>
    /// <param name="stateDict">Name to <see cref="PickledTensor"/>.</param>
    /// <param name="container">Where the storages lie.</param>
    /// <param name="fileBytes">Size of the file, which bounds what may be allocated.</param>
    /// <exception cref="InvalidDataException">A storage is missing or damaged, or the tensors claim absurdly much memory.</exception>
    public static Dictionary<string, HostTensor> Load(PickledDictionary stateDict, IPyTorchContainer container, long fileBytes)
    {
        var loader = new TensorLoader(container, fileBytes);
        var tensors = new Dictionary<string, HostTensor>();
        foreach ((object key, object? value) in stateDict)
        {
            if (key is not string name)
                continue;
            if (value is PickledTensor tensor)
                tensors.TryAdd(name, loader.Load(tensor));
            foreach ((object innerKey, object? innerValue) in value as PickledDictionary ?? [])
            {
                if (innerKey is string innerName && innerValue is PickledTensor innerTensor)
                    tensors.TryAdd($"{name}.{innerName}", loader.Load(innerTensor));
            }
        }
        return tensors;
    }

    private HostTensor Load(PickledTensor tensor)
    {
        byte[] storage = StorageOf(tensor);
        int contiguousFrom = ContiguousFrom(tensor);
        if (contiguousFrom == 0 && tensor.Bytes == storage.Length)
            return new HostTensor(tensor.DType, tensor.Shape, storage);

        copyBudget -= tensor.Bytes;
        if (copyBudget < 0 || tensor.Bytes > Array.MaxLength)
            throw new InvalidDataException($"a tensor of shape [{string.Join(", ", tensor.Shape)}] claims far more than the file has");
        var data = new byte[tensor.Bytes];
        if (data.Length > 0)
            Gather(storage, tensor, contiguousFrom, dimension: 0, tensor.Offset, data);
        return new HostTensor(tensor.DType, tensor.Shape, data);
    }

    private byte[] StorageOf(PickledTensor tensor)
    {
        PickledStorage storage = tensor.Storage;
        if (!storages.TryGetValue(storage.Key, out byte[]? bytes))
        {
            storageBudget -= storage.Bytes;
            if (storageBudget < 0 || storage.Bytes > Array.MaxLength)
                throw new InvalidDataException($"storage '{storage.Key}' claims more bytes than the file has, or more than 2 GB");
            bytes = container.ReadStorage(storage);
            storages.Add(storage.Key, bytes);
        }
        return bytes.Length == storage.Bytes
            ? bytes
            : throw new InvalidDataException($"storage '{storage.Key}' is given two sizes");
    }

    /// <summary>The first dimension from which on the elements lie in row-major order without gaps.</summary>
    private static int ContiguousFrom(PickledTensor tensor)
    {
        int dimension = tensor.Shape.Length;
        for (long step = 1; dimension > 0; dimension--)
        {
            long size = tensor.Shape[dimension - 1];
            if (size != 1 && tensor.Strides[dimension - 1] != step)
                break;
            step *= size;
        }
        return dimension;
    }

    /// <summary>Copies the elements of one index of each outer dimension, and of all inner ones, in row-major order.</summary>
    private static void Gather(
        ReadOnlySpan<byte> storage, PickledTensor tensor, int contiguousFrom, int dimension, long offset, Span<byte> target)
    {
        if (dimension == contiguousFrom)
        {
            storage.Slice((int)(offset * HostTensor.ElementSize(tensor.DType)), target.Length).CopyTo(target);
            return;
        }
        int size = (int)tensor.Shape[dimension];
        int part = target.Length / size;
        for (int i = 0; i < size; i++)
            Gather(storage, tensor, contiguousFrom, dimension + 1, offset + i * tensor.Strides[dimension], target.Slice(i * part, part));
    }
}

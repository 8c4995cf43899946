namespace OtoMask.Interop;

/// <summary>
/// A file of <c>torch.save</c>, read and written without Python: the tensors of its state dict, and the tree of values around it.
/// </summary>
/// <remarks>
/// Both containers are read: the zip archive (PyTorch 1.6 and later) and the older run of pickles and raw storages. Nothing
/// in the file can run: see <see cref="PickleGlobals"/> for what is built, kept inert, or refused.
/// </remarks>
internal sealed class PyTorchCheckpoint
{
    private static readonly string[] StateDictKeys = ["model", "state_dict", "model_state_dict"];

    private PyTorchCheckpoint(object? root, IReadOnlyDictionary<string, HostTensor> tensors) => (Root, Tensors) = (root, tensors);

    /// <summary>
    /// Everything in the file, as values of the kinds that <c>PickledValues.cs</c> lists; usually a <see cref="PickledDictionary"/> with
    /// keys such as <c>epoch</c> and <c>args</c>. Tensors are only described in it, so that an optimiser's state (twice
    /// the size of the model) is never loaded.
    /// </summary>
    public object? Root { get; }

    /// <summary>
    /// The state dict: the dictionary under <c>model</c>, <c>state_dict</c> or <c>model_state_dict</c>, else the whole file. Names are
    /// as stored.
    /// </summary>
    public IReadOnlyDictionary<string, HostTensor> Tensors { get; }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="UserErrorException">
    /// The file cannot be opened, is no PyTorch checkpoint, is damaged, holds no state dict, or wants to run code.
    /// </exception>
    public static PyTorchCheckpoint Read(string path)
    {
        using FileStream stream = InputFile.Open(path);
        try
        {
            using IPyTorchContainer container = OpenContainer(stream);
            PickledDictionary stateDict = FindStateDict(container.Root);
            return new PyTorchCheckpoint(container.Root, TensorLoader.Load(stateDict, container, stream.Length));
        }
        catch (UnsafePickleException e)
        {
            throw new UserErrorException($"{path}: refused, nothing was run: {InputFile.Quotable(e.Message)}; do not trust this file", e);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            string why = InputFile.Quotable(e.Message);
            throw new UserErrorException($"{path}: not a readable PyTorch checkpoint: {why}; download or save it again", e);
        }
    }

    /// <summary>Writes a checkpoint as <c>torch.save</c> would, atomically; <c>torch.load</c> reads it, also with <c>weights_only=True</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="root">
    /// By key, in this order: null, <c>bool</c>, <c>int</c>, <c>long</c>, <c>string</c>, arrays of <c>int</c> (lists for Python), dictionaries like
    /// this one, and a <see cref="SafetensorsEntry"/> for each tensor.
    /// </param>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, object?> root) => PyTorchZipWriter.Write(path, root);

    private static IPyTorchContainer OpenContainer(FileStream stream)
    {
        Span<byte> start = stackalloc byte[PyTorchLegacyFile.Magic.Length];
        int length = stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        stream.Position = 0;
        if (start[..length].StartsWith("PK\x03\x04"u8))
            return new PyTorchZipFile(stream);
        if (start[..length].SequenceEqual(PyTorchLegacyFile.Magic))
            return new PyTorchLegacyFile(stream);
        throw new InvalidDataException("it does not start like a file of torch.save");
    }

    private static PickledDictionary FindStateDict(object? root)
    {
        if (root is PickledDictionary top)
        {
            foreach (string key in StateDictKeys)
            {
                if (top.TryGetValue(key, out object? value) && value is PickledDictionary inner && HoldsTensors(inner))
                    return inner;
            }
            if (HoldsTensors(top))
                return top;
        }
        throw new InvalidDataException(root is PickledObject { TypeName: var type }
            ? $"it holds a whole {type}, not a state dict (save model.state_dict() instead)"
            : $"it holds no state dict, neither on top nor under {string.Join(", ", StateDictKeys)}");
    }

    private static bool HoldsTensors(PickledDictionary dictionary) => dictionary.Values.Any(value => value is PickledTensor);
}

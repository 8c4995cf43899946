using System.IO.Compression;

namespace OtoMask.Interop;

/// <summary>
/// The zip container of <c>torch.save</c>: <c>NAME/data.pkl</c> holds the pickle, <c>NAME/data/KEY</c> the bytes of each storage, all of
/// them stored without compression.
/// </summary>
internal sealed class PyTorchZipFile : IPyTorchContainer
{
    private const string PickleName = "data.pkl";

    private readonly Stream stream;
    private readonly ZipArchive archive;
    private readonly string folder;

    /// <summary>Reads the pickle; storages are read when asked for.</summary>
    /// <exception cref="InvalidDataException">No such container, or a damaged one.</exception>
    /// <exception cref="UnsafePickleException">The pickle wants to run code.</exception>
    public PyTorchZipFile(Stream stream)
    {
        this.stream = stream;
        archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        ZipArchiveEntry pickle = archive.Entries.FirstOrDefault(IsPickle)
            ?? throw new InvalidDataException($"the archive holds no {PickleName}");
        if (pickle.Length > PickleMachine.MaxBytes)
            throw new InvalidDataException($"its {PickleName} of {pickle.Length} bytes is too large for a checkpoint");
        folder = pickle.FullName[..^PickleName.Length];
        // Its text is "little" or "big".
        if (archive.GetEntry(folder + "byteorder") is { Length: 3 })
            throw new InvalidDataException("it was written on a big-endian machine, which is not supported");
        Root = PickleMachine.Load(ReadVerified(pickle)).Value;
    }

    /// <inheritdoc/>
    public object? Root { get; }

    /// <inheritdoc/>
    public byte[] ReadStorage(PickledStorage storage)
    {
        ZipArchiveEntry entry = archive.GetEntry($"{folder}data/{storage.Key}")
            ?? throw new InvalidDataException($"the archive lacks storage '{storage.Key}'");
        return entry.Length == storage.Bytes
            ? ReadVerified(entry)
            : throw new InvalidDataException($"storage '{storage.Key}' has {entry.Length} bytes instead of {storage.Bytes}");
    }

    /// <inheritdoc/>
    public void Dispose() => archive.Dispose();

    private static bool IsPickle(ZipArchiveEntry entry) => entry.FullName.EndsWith($"/{PickleName}", StringComparison.Ordinal);

    /// <summary>Reads an entry and checks its CRC, which .NET does not.</summary>
    private byte[] ReadVerified(ZipArchiveEntry entry)
    {
        if (entry.Length != entry.CompressedLength || entry.Length > stream.Length || entry.IsEncrypted)
            throw new InvalidDataException($"{entry.FullName} is compressed, encrypted or cut off");
        using Stream content = entry.Open();
        byte[] bytes = GC.AllocateUninitializedArray<byte>((int)entry.Length);
        content.ReadExactly(bytes);
        return Crc32.Ieee.Compute(bytes) == entry.Crc32
            ? bytes
            : throw new InvalidDataException($"the CRC of {entry.FullName} does not match, so the file is damaged");
    }
}

using System.IO.Compression;

namespace OtoMask.Interop;

/// <summary>Writes the container that <see cref="PyTorchZipFile"/> reads: PyTorch 1.6 and later load it, also with <c>weights_only=True</c>.</summary>
internal static class PyTorchZipWriter
{
    // PyTorch takes whatever folder comes first.
    private const string Folder = "archive/";

    // The earliest a zip can say: equal models make equal files.
    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes a checkpoint atomically, holding only one tensor in memory at a time.</summary>
    /// <param name="path">The file.</param>
    /// <param name="root">What <c>torch.load</c> is to give; kinds of values in <see cref="PickleWriter"/>.</param>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(string path, IReadOnlyDictionary<string, object?> root)
    {
        (byte[] pickle, IReadOnlyList<SafetensorsEntry> storages) = PickleWriter.Write(root);
        AtomicFile.Write(path, stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            Add("data.pkl", pickle);
            Add("byteorder", "little"u8);
            for (int key = 0; key < storages.Count; key++)
            {
                SafetensorsEntry tensor = storages[key];
                var bytes = new byte[HostTensor.ByteCount(tensor.DType, tensor.Shape)];
                tensor.Fill(bytes);
                Add($"data/{key}", bytes);
            }
            Add("version", "3\n"u8);

            void Add(string name, ReadOnlySpan<byte> content)
            {
                ZipArchiveEntry entry = archive.CreateEntry(Folder + name, CompressionLevel.NoCompression);
                entry.LastWriteTime = NoTime;
                using Stream target = entry.Open();
                target.Write(content);
            }
        });
    }
}

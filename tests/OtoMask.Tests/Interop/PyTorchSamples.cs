using System.IO.Compression;
using OtoMask.Interop;

namespace OtoMask.Tests.Interop;

/// <summary>Small files as <c>torch.save</c> writes them.</summary>
internal static class PyTorchSamples
{
    /// <summary>The elements of the one storage.</summary>
    public static float[] Elements { get; } = [0, 1, 2, 3, 4, 5];

    /// <summary>The pickle of a state dict with one tensor, <c>w</c> of shape [2, 3].</summary>
    public static byte[] OneTensor => new PickleBuilder().Dictionary(
        ("w", p => p.Tensor(Elements.Length, offset: 0, shape: [2, 3], strides: [3, 1])),
        ("epoch", p => p.Number(7))).ToArray();

    /// <summary>The container before PyTorch 1.6, with <see cref="OneTensor"/>.</summary>
    public static byte[] Legacy =>
    [
        .. PyTorchLegacyFile.Magic,
        .. new PickleBuilder().Number(1001).ToArray(),
        .. new PickleBuilder().Dictionary(("little_endian", p => p.True())).ToArray(),
        .. OneTensor,
        .. new PickleBuilder().List(p => p.Text(PickleBuilder.StorageKey)).ToArray(),
        .. BitConverter.GetBytes((long)Elements.Length),
        .. Elements.SelectMany(BitConverter.GetBytes),
    ];

    /// <summary>The zip container of today around a pickle.</summary>
    public static byte[] Zip(byte[] pickle)
    {
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("model/data.pkl", pickle);
            Add($"model/data/{PickleBuilder.StorageKey}", [.. Elements.SelectMany(BitConverter.GetBytes)]);

            void Add(string name, byte[] content)
            {
                using Stream stream = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                stream.Write(content);
            }
        }
        return bytes.ToArray();
    }
}

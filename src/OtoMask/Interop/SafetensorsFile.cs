using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OtoMask.Interop;

/// <summary>What a safetensors file holds. Its tensors are read when their values are asked for; the file stays open for them.</summary>
/// <param name="Tensors">By name, in the order of the file.</param>
/// <param name="Metadata">Free text by key; never null.</param>
internal sealed record SafetensorsContent(IReadOnlyDictionary<string, HostTensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Whether the file carried a checksum, which then was right.</summary>
    public bool IsVerified { get; init; }
}

/// <summary>One tensor to write, its bytes produced only when their turn comes.</summary>
/// <param name="Name">Unique within the file.</param>
/// <param name="DType">Safetensors name of the element type, as in <see cref="HostTensor"/>.</param>
/// <param name="Shape">Sizes of the dimensions.</param>
/// <param name="Fill">Fills a span of exactly the tensor's bytes (row-major, little-endian); called once.</param>
internal sealed record SafetensorsEntry(string Name, string DType, long[] Shape, Action<Span<byte>> Fill)
{
    /// <summary>A tensor that lies in memory already, or in another file.</summary>
    public static SafetensorsEntry Of(string name, HostTensor tensor) => new(name, tensor.DType, tensor.Shape, bytes => tensor.Data.CopyTo(bytes));
}

/// <summary>
/// Reads and writes the safetensors format: a length, a JSON header (type, shape and place of each tensor), the raw bytes.
/// </summary>
/// <remarks>
/// What we write also carries, in the metadata, a SHA-256 of the whole file (taken with the digest's own 64 characters as
/// zeros), so that a flipped byte anywhere is noticed; other readers of the format take it for a harmless comment.
/// Format: huggingface/safetensors, README, "Format".
/// </remarks>
internal static class SafetensorsFile
{
    private const int HashedAtOnce = 1 << 20, ShortHeader = 1 << 20;

    /// <summary>Writes tensors atomically (see <see cref="AtomicFile"/>).</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(
        string path, IReadOnlyDictionary<string, HostTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        Write(path, tensors.Select(pair => SafetensorsEntry.Of(pair.Key, pair.Value)), metadata);

    /// <summary>
    /// Writes tensors atomically, holding only one of them in memory at a time. Wide element types come first in the file,
    /// so that every tensor is aligned to its element; within a width the given order stays.
    /// </summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(string path, IEnumerable<SafetensorsEntry> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        SafetensorsEntry[] entries = [.. tensors.OrderByDescending(entry => HostTensor.ElementSize(entry.DType))];
        byte[] header = SafetensorsHeader.Compose(entries, metadata ?? new Dictionary<string, string>());
        byte[] length = LengthPrefix(header);

        AtomicFile.Write(path, stream =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Append(length);
            Append(header);
            byte[] buffer = [];
            foreach (SafetensorsEntry entry in entries)
            {
                int bytes = checked((int)HostTensor.ByteCount(entry.DType, entry.Shape));
                if (buffer.Length < bytes)
                    buffer = GC.AllocateUninitializedArray<byte>(bytes);
                entry.Fill(buffer.AsSpan(0, bytes));
                Append(buffer.AsSpan(0, bytes));
            }
            SafetensorsHeader.PutDigest(header, hash.GetHashAndReset());
            stream.Position = length.Length;
            stream.Write(header);

            void Append(ReadOnlySpan<byte> bytes)
            {
                stream.Write(bytes);
                hash.AppendData(bytes);
            }
        });
    }

    /// <summary>
    /// Opens a file. The header is checked against the file's size before anything is allocated, and the whole file against its checksum
    /// whenever it carries one. Tensors are read one by one when they are asked for, so a model needs no memory for its file besides its own.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="requireChecksum">Refuse a file without a checksum: for files that only we write.</param>
    /// <exception cref="UserErrorException">The file cannot be opened, is no valid safetensors file, or fails its checksum.</exception>
    public static SafetensorsContent Read(string path, bool requireChecksum = false)
    {
        FileStream? stream = InputFile.Open(path);
        try
        {
            SafetensorsContent content = Read(stream, requireChecksum);
            stream = null; // the tensors have it, and it is closed when the last of them is forgotten
            return content;
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new UserErrorException($"{path}: not a valid safetensors file: {InputFile.Quotable(e.Message)}; use another copy", e);
        }
        finally
        {
            stream?.Dispose();
        }
    }

    private static SafetensorsContent Read(FileStream stream, bool requireChecksum)
    {
        byte[] header = ReadHeader(stream);
        SafetensorsHeader parsed = SafetensorsHeader.Parse(header, dataBytes: stream.Length - stream.Position);
        if (parsed.Digest is null && requireChecksum)
            throw new InvalidDataException($"it carries no checksum ({SafetensorsHeader.DigestKey})");

        long offset = stream.Position;
        if (parsed.Digest is { } digest && DigestOf(header, digest, stream) != digest)
            throw new InvalidDataException("its checksum does not match, so the file is damaged");

        var tensors = new Dictionary<string, HostTensor>(parsed.Tensors.Count);
        foreach (SafetensorsHeader.Place place in parsed.Tensors)
        {
            long begin = offset;
            tensors.Add(place.Name, new HostTensor(place.DType, place.Shape, () => ReadAt(stream, begin, place.Bytes)));
            offset += place.Bytes;
        }
        return new SafetensorsContent(tensors, parsed.Metadata) { IsVerified = parsed.Digest is not null };
    }

    /// <summary>The digest of a file whose header was read: with the digest's own place blank, as it was when it was taken.</summary>
    private static string DigestOf(byte[] header, string digest, FileStream stream)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(LengthPrefix(header));
        hash.AppendData(SafetensorsHeader.WithoutDigest(header, digest));
        byte[] block = GC.AllocateUninitializedArray<byte>(HashedAtOnce);
        for (int read; (read = stream.Read(block)) > 0;)
            hash.AppendData(block, 0, read);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static byte[] ReadAt(FileStream stream, long offset, int bytes)
    {
        byte[] data = GC.AllocateUninitializedArray<byte>(bytes);
        return InputFile.TryReadAt(stream.SafeFileHandle, offset, data)
            ? data
            : throw new UserErrorException($"{stream.Name}: was cut short while it was read; use another copy");
    }

    private static byte[] ReadHeader(FileStream stream)
    {
        Span<byte> prefix = stackalloc byte[sizeof(ulong)];
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > (ulong)(stream.Length - prefix.Length) || length > SafetensorsHeader.MaxBytes || length > (ulong)stream.Length / 2 + ShortHeader)
            throw new InvalidDataException($"its header claims {length} bytes of a file of {stream.Length}, and no model needs more than {SafetensorsHeader.MaxBytes}, or than half of its file");
        var header = new byte[length];
        stream.ReadExactly(header);
        return header;
    }

    /// <summary>Puts the checksum in a whole file whose digest is blank, reading it once.</summary>
    /// <param name="stream">The file, readable and writable.</param>
    internal static void PutDigest(FileStream stream)
    {
        stream.Position = 0;
        byte[] digest = SHA256.HashData(stream);
        stream.Position = 0;
        byte[] header = ReadHeader(stream);
        SafetensorsHeader.PutDigest(header, digest);
        stream.Position = sizeof(ulong);
        stream.Write(header);
    }

    internal static byte[] LengthPrefix(byte[] header)
    {
        var prefix = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteInt64LittleEndian(prefix, header.Length);
        return prefix;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace OtoMask.Audio;

/// <summary>WAV files whose writer never came to fill in how much it wrote: it died, or wrote to a pipe.</summary>
/// <remarks>RIFF (Microsoft and IBM, 1991) and RF64 (EBU Tech 3306). Sizes that exceed the file need no help: libsndfile reads to its end.</remarks>
internal static class WavSizes
{
    private const int ChunkHeader = 8, FirstChunk = 12, MostChunks = 1000, DataSizeOfDs64 = 16;
    private const long Wrap = 1L << 32, MostBehind = 16 << 20; // bytes of chunks behind the sound

    /// <summary>The same bytes, if they are a WAV file without the size of its sound with one that says "to the end".</summary>
    public static SoundBytes FilledIn(SoundBytes wav)
    {
        bool isLarge = wav.StartsWith("RF64"u8);
        if (!isLarge && !wav.StartsWith("RIFF"u8))
            return wav;
        long at = FirstChunk, largeSizes = -1;
        Span<byte> header = stackalloc byte[ChunkHeader];
        for (int chunk = 0; chunk < MostChunks && wav.Read(at, header) == ChunkHeader; chunk++)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
            if (header.StartsWith("data"u8))
                return isLarge ? FilledInLarge(wav, largeSizes, at + ChunkHeader) : FilledIn(wav, at, size);
            if (header.StartsWith("ds64"u8))
                largeSizes = at;
            at += ChunkHeader + size + (size & 1);
        }
        return wav;
    }

    private static SoundBytes FilledIn(SoundBytes wav, long data, uint size)
    {
        long rest = wav.Length - data - ChunkHeader;
        bool isUnknown = size == 0 && rest > 0 && !IsChunk(wav, data + ChunkHeader);
        bool hasWrapped = rest >= Wrap && (rest - size + ChunkHeader) % Wrap <= MostBehind; // else it is what it says, and something else follows
        return isUnknown || hasWrapped ? wav.With(data + 4, [0xFF, 0xFF, 0xFF, 0xFF]) : wav;
    }

    private static SoundBytes FilledInLarge(SoundBytes wav, long sizes, long sound)
    {
        Span<byte> size = stackalloc byte[sizeof(long)];
        if (sizes < 0 || wav.Read(sizes + DataSizeOfDs64, size) < size.Length || BinaryPrimitives.ReadInt64LittleEndian(size) is not (0 or -1))
            return wav;
        BinaryPrimitives.WriteInt64LittleEndian(size, wav.Length - sound);
        return wav.With(sizes + DataSizeOfDs64, size.ToArray());
    }

    /// <summary>Whether a chunk lies there that is named in letters and ends within the file: then the sound before it really is empty.</summary>
    private static bool IsChunk(SoundBytes wav, long at)
    {
        Span<byte> header = stackalloc byte[ChunkHeader];
        return wav.Read(at, header) == ChunkHeader
            && Encoding.ASCII.GetString(header[..4]).All(letter => char.IsAsciiLetterOrDigit(letter) || letter == ' ')
            && at + ChunkHeader + BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) <= wav.Length;
    }
}

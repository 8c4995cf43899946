using System.Buffers.Binary;

namespace OtoMask.App.Serve.Listening;

/// <summary>Sound as a browser plays it: a WAV file of 16 bits, one channel, in memory.</summary>
internal static class WavBytes
{
    private const int HeaderBytes = 44, FormatBytes = 16, Pcm = 1, BytesOfSample = 2;

    /// <summary>The file; samples beyond -1..1 are limited.</summary>
    /// <param name="samples">One channel.</param>
    /// <param name="sampleRate">Samples a second, in Hz.</param>
    public static byte[] Of(ReadOnlySpan<float> samples, int sampleRate)
    {
        int dataBytes = samples.Length * BytesOfSample;
        var file = new byte[HeaderBytes + dataBytes];
        Span<byte> header = file;
        "RIFF"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], file.Length - 8);
        "WAVEfmt "u8.CopyTo(header[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], FormatBytes);
        BinaryPrimitives.WriteInt16LittleEndian(header[20..], Pcm);
        BinaryPrimitives.WriteInt16LittleEndian(header[22..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], sampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], sampleRate * BytesOfSample);
        BinaryPrimitives.WriteInt16LittleEndian(header[32..], BytesOfSample);
        BinaryPrimitives.WriteInt16LittleEndian(header[34..], 8 * BytesOfSample);
        "data"u8.CopyTo(header[36..]);
        BinaryPrimitives.WriteInt32LittleEndian(header[40..], dataBytes);
        for (int i = 0; i < samples.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(header[(HeaderBytes + i * BytesOfSample)..], (short)Math.Round(Math.Clamp(samples[i], -1f, 1f) * short.MaxValue));
        return file;
    }
}

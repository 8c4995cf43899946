using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>Decodes mp3 and its kin to the end of what is there, whatever a header says or lacks.</summary>
/// <remarks>A LAME tag tells how much silence the encoder put before and behind the sound; it is left out, also where other sound follows.</remarks>
internal sealed class MpegDecoder : AudioDecoder
{
    private const int DecoderDelay = 529, TagHeader = 10, MostTags = 16;

    private readonly string path;
    private readonly SoundBytes bytes;
    private Mpg123 mpeg;
    private readonly long lead, tail; // silence before the sound; behind it
    private readonly long tailAt; // in frames of libmpg123, as is the position
    private long position;
    private long? length;
    private bool isScanned;

    private MpegDecoder(string path, SoundBytes bytes, Mpg123 mpeg, int sampleRate, int channels)
    {
        (this.path, this.bytes, this.mpeg) = (path, bytes, mpeg);
        if (mpeg.Padding is var (before, behind))
            (lead, tail) = (before + DecoderDelay, Math.Max(0, behind - DecoderDelay));
        tailAt = mpeg.Length - tail;
        Info = new AudioInfo(sampleRate, channels, Math.Max(0, tailAt - lead), "MPEG-1/2 Audio, mp3 or its kin");
    }

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <inheritdoc/>
    /// <remarks>Found out by a look at every frame, which must come before the first is read. Of files that were joined only decoding tells.</remarks>
    public override long? Length
    {
        get
        {
            if (!isScanned && mpeg.Scan() && !mpeg.IsStitched)
                length = Math.Max(0, mpeg.Length - lead - Math.Clamp(mpeg.Length - tailAt, 0, tail));
            isScanned = true;
            return length;
        }
    }

    /// <summary>Whether a file begins with a frame of MPEG audio (ISO 11172-3, 2.4.1.3), behind ID3 tags.</summary>
    public static bool IsMpeg(SoundBytes bytes)
    {
        long at = 0;
        Span<byte> tag = stackalloc byte[TagHeader];
        for (int tags = 0; tags < MostTags && bytes.Read(at, tag) == TagHeader && tag.StartsWith("ID3"u8); tags++)
            at += TagHeader + (tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]);
        Span<byte> frame = stackalloc byte[4];
        return bytes.Read(at, frame) == frame.Length
            && frame[0] == 0xFF && (frame[1] & 0xE0) == 0xE0
            && (frame[1] & 0x18) != 0x08 && (frame[1] & 0x06) != 0 // version and layer are not the reserved ones
            && (frame[2] & 0xF0) != 0xF0 && (frame[2] & 0x0C) != 0x0C; // nor bit rate and sample rate
    }

    /// <summary>Takes over <paramref name="bytes"/>, also on failure.</summary>
    /// <exception cref="UnreadableAudioException">There is no frame of MPEG audio.</exception>
    public static MpegDecoder Open(string path, SoundBytes bytes)
    {
        try
        {
            Mpg123 mpeg = OpenMpeg(path, bytes, out int sampleRate, out int channels);
            var decoder = new MpegDecoder(path, bytes, mpeg, sampleRate, channels);
            decoder.Seek(0);
            return decoder;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Seek(long frame)
    {
        long place = frame + lead;
        position = place < tailAt ? place : place + tail;
        if (mpeg.SeekTo(position) && !mpeg.IsStitched)
            return;
        // Of files that were joined the library does not know the places; and behind the end it does not go.
        mpeg.SeekTo(0);
        position = 0;
        Drop(lead, Decode);
        Skip(frame);
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        if (position == tailAt)
            Drop(tail, Decode);
        long wanted = interleaved.Length / Info.Channels;
        return Decode(interleaved[..((int)(position < tailAt ? Math.Min(wanted, tailAt - position) : wanted) * Info.Channels)]);
    }

    /// <inheritdoc/>
    public override void Restart()
    {
        mpeg.Dispose();
        mpeg = OpenMpeg(path, bytes, out _, out _);
        Seek(0);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        mpeg.Dispose();
        bytes.Dispose();
    }

    private static Mpg123 OpenMpeg(string path, SoundBytes bytes, out int sampleRate, out int channels) => Mpg123.Open(bytes.WholeFile()!, out sampleRate, out channels)
        ?? throw new UnreadableAudioException(path, "not readable as audio (no frame of MPEG audio in it)");

    private int Decode(Span<float> interleaved)
    {
        Span<byte> target = MemoryMarshal.AsBytes(interleaved);
        int filled = 0, answer = Mpg123.Ok;
        while (filled < target.Length && answer is Mpg123.Ok or Mpg123.NewFormat)
        {
            answer = mpeg.Read(target[filled..], out nuint done);
            filled += (int)done;
        }
        if (answer is not (Mpg123.Ok or Mpg123.NewFormat or Mpg123.Done))
            throw new UnreadableAudioException(path, $"damaged: {mpeg.LastError}");
        int frames = filled / sizeof(float) / Info.Channels;
        position += frames;
        return frames;
    }
}

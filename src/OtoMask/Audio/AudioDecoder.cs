namespace OtoMask.Audio;

/// <summary>Decodes one audio file from front to back, block by block.</summary>
internal abstract class AudioDecoder : IDisposable
{
    /// <summary>Sample rates that can be, in Hz.</summary>
    public const int LowestRate = 100, HighestRate = 1_536_000;

    private const int FramesAtOnce = 4096;

    /// <summary>What the header says; its length may be a guess.</summary>
    public abstract AudioInfo Info { get; }

    /// <summary>Frames that decoding gives, as the format's own count tells; null where only decoding to the end does.</summary>
    public abstract long? Length { get; }

    /// <summary>Continues at exactly <paramref name="frame"/>, or at the end if the file is shorter.</summary>
    /// <exception cref="UnreadableAudioException">The file is damaged.</exception>
    public abstract void Seek(long frame);

    /// <summary>Decodes up to interleaved.Length / channels frames and returns how many; 0 at the end.</summary>
    /// <exception cref="UnreadableAudioException">The file is damaged.</exception>
    public abstract int Read(Span<float> interleaved);

    /// <summary>Begins anew as a decoder does that was just opened: whatever was read, sought or found damaged before leaves nothing behind. The file stays open.</summary>
    public abstract void Restart();

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary><see cref="Length"/>, if the last frame is where that says; null where only decoding to the end tells. To be asked before the first read; the decoder is
    /// then at its beginning.</summary>
    public long? CountedLength()
    {
        if (Length is not { } frames)
            return null;
        try
        {
            Seek(Math.Max(0, frames - 1));
            return frames == 0 || Skip(1) == 1 ? frames : null;
        }
        catch (UnreadableAudioException)
        {
            return null; // cut short: how much of it is there, reading tells
        }
        finally
        {
            Restart();
        }
    }

    /// <summary>Opens a file by what it holds; where that is none of ours, by ffmpeg.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Ends what waits for another program.</param>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden or not audio.</exception>
    /// <exception cref="SoundLibraryException">A library is missing or broken.</exception>
    public static AudioDecoder Open(string path, CancellationToken cancellation = default) => Plausible(path, OpenBytes(path, cancellation));

    /// <summary>The decoder, if it has channels of a sample rate that can be; else it is closed.</summary>
    /// <exception cref="UnreadableAudioException">It has not.</exception>
    protected static AudioDecoder Plausible(string path, AudioDecoder decoder)
    {
        AudioInfo info = decoder.Info;
        if (info.SampleRate is >= LowestRate and <= HighestRate && info.Channels > 0)
            return decoder;
        decoder.Dispose();
        throw new UnreadableAudioException(path, $"its header claims {info.Channels} channels at {info.SampleRate} Hz");
    }

    /// <summary>Decodes frames and drops them; returns how many there were.</summary>
    public long Skip(long frames) => Drop(frames, Read);

    /// <summary>What <see cref="Read"/> does, or a decoder's own way to do it.</summary>
    protected delegate int BlockReader(Span<float> interleaved);

    /// <summary>Has <paramref name="read"/> give frames and drops them; returns how many there were.</summary>
    protected long Drop(long frames, BlockReader read)
    {
        float[] ignored = new float[FramesAtOnce * Info.Channels];
        long left = frames;
        while (left > 0 && read(ignored.AsSpan(0, (int)Math.Min(FramesAtOnce, left) * Info.Channels)) is > 0 and int dropped)
            left -= dropped;
        return frames - left;
    }

    private static AudioDecoder OpenBytes(string path, CancellationToken cancellation)
    {
        SoundBytes bytes = SoundBytes.Open(path);
        if (AudioFile.NeedsFfmpeg(path))
        {
            bytes.Dispose();
            return FfmpegDecoder.OpenContainer(path, cancellation);
        }
        try
        {
            return OpenKnown(path, bytes);
        }
        catch (UnreadableAudioException unknown) when (FfmpegDecoder.IsInstalled)
        {
            try
            {
                return FfmpegDecoder.OpenContainer(path, cancellation);
            }
            catch (UnreadableAudioException)
            {
                throw unknown;
            }
        }
    }

    /// <summary>Opens what libmpg123 and libsndfile decode; <paramref name="bytes"/> are the decoder's, or closed on failure.</summary>
    private static AudioDecoder OpenKnown(string path, SoundBytes bytes)
    {
        if (MpegDecoder.IsMpeg(bytes) || (path.EndsWith(".mp3", StringComparison.OrdinalIgnoreCase) && !bytes.IsContainer))
            return MpegDecoder.Open(path, bytes);
        if (!bytes.StartsWith("OggS"u8))
            return SndFileDecoder.Open(path, WavSizes.FilledIn(bytes));
        // libsndfile would look for a last page in all that lies behind.
        IReadOnlyList<(long Offset, long Length)> streams = OggStreams.Find(bytes);
        return streams.Count > 1
            ? ChainedDecoder.Open(path, bytes, streams)
            : SndFileDecoder.Open(path, streams is [var only] ? bytes.Until(only.Offset + only.Length) : bytes);
    }
}

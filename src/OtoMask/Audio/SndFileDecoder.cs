using Microsoft.Win32.SafeHandles;

namespace OtoMask.Audio;

/// <summary>Decodes wav, flac, ogg, opus, mp3 and whatever else libsndfile knows.</summary>
internal sealed class SndFileDecoder : AudioDecoder
{
    private readonly string path;
    private readonly SafeFileHandle file;
    private readonly SndFile sound;

    private SndFileDecoder(string path, SafeFileHandle file, SndFile sound, AudioInfo info) =>
        (this.path, this.file, this.sound, Info) = (path, file, sound, info);

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <summary>Takes over <paramref name="file"/>, also on failure.</summary>
    /// <exception cref="UnreadableAudioException">libsndfile does not understand the file.</exception>
    public static SndFileDecoder OpenDescriptor(string path, SafeFileHandle file)
    {
        SndFile.Info header = default;
        SndFile? sound = null;
        try
        {
            sound = SndFile.Open(file, SndFile.ModeRead, ref header);
            if (sound.IsInvalid)
                throw new UnreadableAudioException(path, $"not readable as audio ({SndFile.OpenError()})");
            string format = $"{SndFile.FormatName(header.Format & SndFile.FormatTypeMask)}, {SndFile.FormatName(header.Format & SndFile.FormatSubtypeMask)}";
            // A stream of unknown length is reported as the largest number there is.
            long frames = header.Frames is < 0 or long.MaxValue ? 0 : header.Frames;
            return new SndFileDecoder(path, file, sound, new AudioInfo(header.SampleRate, header.Channels, frames, format));
        }
        catch
        {
            sound?.Dispose();
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Seek(long frame)
    {
        if (!sound.SeekTo(frame))
            SkipByDecoding(frame);
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        long frames = sound.ReadFrames(interleaved, Info.Channels);
        if (frames < interleaved.Length / Info.Channels && sound.LastError is { } error)
            throw new UnreadableAudioException(path, $"damaged: {error}");
        return (int)frames;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        sound.Dispose();
        file.Dispose();
    }

    private void SkipByDecoding(long frames)
    {
        sound.SeekTo(0);
        float[] ignored = new float[4096 * Info.Channels];
        while (frames > 0)
        {
            int read = Read(ignored.AsSpan(0, (int)Math.Min(4096, frames) * Info.Channels));
            if (read == 0)
                return;
            frames -= read;
        }
    }
}

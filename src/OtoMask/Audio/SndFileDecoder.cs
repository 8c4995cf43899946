namespace OtoMask.Audio;

/// <summary>Decodes wav, flac, ogg, opus and whatever else libsndfile knows, mp3 apart: it would stop where it guesses the end of one.</summary>
internal sealed class SndFileDecoder : AudioDecoder
{
    private readonly string path;
    private readonly SoundBytes bytes;
    private readonly bool ownsBytes;
    private SndFile sound;

    private SndFileDecoder(string path, SoundBytes bytes, bool ownsBytes, SndFile sound, AudioInfo info) =>
        (this.path, this.bytes, this.ownsBytes, this.sound, Info) = (path, bytes, ownsBytes, sound, info);

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <inheritdoc/>
    public override long? Length => Info.Frames > 0 ? Info.Frames : null;

    /// <summary>Takes over <paramref name="bytes"/>, also on failure.</summary>
    /// <exception cref="UnreadableAudioException">libsndfile does not understand the file.</exception>
    public static SndFileDecoder Open(string path, SoundBytes bytes)
    {
        try
        {
            return Open(path, bytes, ownsBytes: true);
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
    }

    /// <summary>Decodes a part of a file that stays the caller's to close.</summary>
    /// <inheritdoc cref="Open(string, SoundBytes)" path="/exception"/>
    public static SndFileDecoder OpenShared(string path, SoundBytes bytes) => Open(path, bytes, ownsBytes: false);

    /// <inheritdoc/>
    public override void Seek(long frame)
    {
        if (sound.SeekTo(frame))
            return;
        sound.SeekTo(0);
        Skip(frame);
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        long frames = sound.ReadFrames(interleaved, Info.Channels);
        if (bytes.Failure is { } failure)
            throw failure;
        if (frames < interleaved.Length / Info.Channels && sound.LastError is { } error)
            throw new UnreadableAudioException(path, $"damaged: {error}");
        return (int)frames;
    }

    /// <inheritdoc/>
    public override void Restart()
    {
        sound.Dispose();
        sound = OpenSound(path, bytes, out _);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        sound.Dispose();
        if (ownsBytes)
            bytes.Dispose();
    }

    private static SndFileDecoder Open(string path, SoundBytes bytes, bool ownsBytes)
    {
        SndFile sound = OpenSound(path, bytes, out SndFile.Info header);
        string format = $"{SndFile.FormatName(header.Format & SndFile.FormatTypeMask)}, {SndFile.FormatName(header.Format & SndFile.FormatSubtypeMask)}";
        // A stream of unknown length is reported as the largest number there is.
        long frames = header.Frames is < 0 or long.MaxValue ? 0 : header.Frames;
        return new SndFileDecoder(path, bytes, ownsBytes, sound, new AudioInfo(header.SampleRate, header.Channels, frames, format));
    }

    private static SndFile OpenSound(string path, SoundBytes bytes, out SndFile.Info header)
    {
        header = default;
        SndFile sound = bytes.WholeFile() is { } file ? SndFile.Open(file, SndFile.ModeRead, ref header) : SndFile.Open(bytes, ref header);
        if (!sound.IsInvalid)
            return sound;
        sound.Dispose();
        throw new UnreadableAudioException(path, $"not readable as audio ({sound.OpenProblem})");
    }
}

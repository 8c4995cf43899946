namespace OtoMask.Audio;

/// <summary>Decodes several streams of one file, one after the other.</summary>
internal sealed class ChainedDecoder : AudioDecoder
{
    private readonly string path;
    private readonly SoundBytes bytes;
    private readonly IReadOnlyList<(long Offset, long Length)> streams;
    private readonly long[] begins;
    private int current;
    private SndFileDecoder? decoder;

    private ChainedDecoder(string path, SoundBytes bytes, IReadOnlyList<(long, long)> streams, AudioInfo info, long[] begins) =>
        (this.path, this.bytes, this.streams, Info, this.begins) = (path, bytes, streams, info, begins);

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <inheritdoc/>
    public override long? Length => Info.Frames;

    /// <summary>Takes over <paramref name="bytes"/>, also on failure.</summary>
    /// <exception cref="UnreadableAudioException">libsndfile does not understand a stream, or one has another rate or number of channels.</exception>
    public static ChainedDecoder Open(string path, SoundBytes bytes, IReadOnlyList<(long Offset, long Length)> streams)
    {
        try
        {
            AudioInfo? first = null;
            long[] begins = new long[streams.Count + 1];
            for (int i = 0; i < streams.Count; i++)
            {
                using SndFileDecoder stream = OpenStream(path, bytes, streams[i]);
                first ??= stream.Info;
                if ((stream.Info.SampleRate, stream.Info.Channels) != (first.SampleRate, first.Channels))
                    throw new UnreadableAudioException(path, $"its stream {i + 1} of {streams.Count} has another sample rate or number of channels; to read it, install ffmpeg (apt-get install ffmpeg)");
                begins[i + 1] = begins[i] + stream.Info.Frames;
            }
            return new ChainedDecoder(path, bytes, streams, first! with { Frames = begins[^1], Format = $"{streams.Count} x {first.Format}" }, begins);
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
        decoder?.Dispose();
        decoder = null;
        current = 0;
        while (current < streams.Count && frame >= begins[current + 1])
            current++;
        if (current < streams.Count)
        {
            decoder = OpenStream(path, bytes, streams[current]);
            decoder.Seek(frame - begins[current]);
        }
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        while (current < streams.Count)
        {
            decoder ??= OpenStream(path, bytes, streams[current]);
            if (decoder.Read(interleaved) is > 0 and int frames)
                return frames;
            decoder.Dispose();
            decoder = null;
            current++;
        }
        return 0;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        decoder?.Dispose();
        bytes.Dispose();
    }

    private static SndFileDecoder OpenStream(string path, SoundBytes bytes, (long Offset, long Length) stream) =>
        SndFileDecoder.OpenShared(path, bytes.Slice(stream.Offset, stream.Length));
}

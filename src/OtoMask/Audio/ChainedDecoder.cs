namespace OtoMask.Audio;

/// <summary>Decodes several streams of one file, one after the other. Those of another sample rate or number of channels are made like the first (<see cref="AlikeDecoder"/>);
/// how long they are then, only decoding tells.</summary>
internal sealed class ChainedDecoder : AudioDecoder
{
    private readonly string path;
    private readonly SoundBytes bytes;
    private readonly IReadOnlyList<(long Offset, long Length)> streams;
    private readonly long[]? begins; // null where some are made like the first
    private int current;
    private AudioDecoder? decoder;

    private ChainedDecoder(string path, SoundBytes bytes, IReadOnlyList<(long, long)> streams, AudioInfo info, long[]? begins) =>
        (this.path, this.bytes, this.streams, Info, this.begins) = (path, bytes, streams, info, begins);

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <inheritdoc/>
    public override long? Length => begins?[^1];

    /// <summary>Takes over <paramref name="bytes"/>, also on failure.</summary>
    /// <exception cref="UnreadableAudioException">libsndfile does not understand a stream.</exception>
    public static ChainedDecoder Open(string path, SoundBytes bytes, IReadOnlyList<(long Offset, long Length)> streams)
    {
        try
        {
            AudioInfo? first = null;
            long[] begins = new long[streams.Count + 1];
            bool areAlike = true;
            for (int i = 0; i < streams.Count; i++)
            {
                using AudioDecoder stream = OpenStream(path, bytes, streams[i], first);
                first ??= stream.Info;
                areAlike &= stream is SndFileDecoder;
                begins[i + 1] = begins[i] + stream.Info.Frames;
            }
            return new ChainedDecoder(path, bytes, streams, first! with { Frames = begins[^1], Format = $"{streams.Count} x {first.Format}" }, areAlike ? begins : null);
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
        Restart();
        if (begins is null)
        {
            Skip(frame);
            return;
        }
        while (current < streams.Count && frame >= begins[current + 1])
            current++;
        if (current < streams.Count)
        {
            decoder = OpenStream(path, bytes, streams[current], Info);
            decoder.Seek(frame - begins[current]);
        }
    }

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        while (current < streams.Count)
        {
            decoder ??= OpenStream(path, bytes, streams[current], Info);
            if (decoder.Read(interleaved) is > 0 and int frames)
                return frames;
            decoder.Dispose();
            decoder = null;
            current++;
        }
        return 0;
    }

    /// <inheritdoc/>
    public override void Restart()
    {
        decoder?.Dispose();
        decoder = null;
        current = 0;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        decoder?.Dispose();
        bytes.Dispose();
    }

    /// <param name="path">The file.</param>
    /// <param name="bytes">What is in it.</param>
    /// <param name="stream">Where the stream lies.</param>
    /// <param name="first">What the first stream is; null for that itself.</param>
    private static AudioDecoder OpenStream(string path, SoundBytes bytes, (long Offset, long Length) stream, AudioInfo? first)
    {
        AudioDecoder decoder = Plausible(path, SndFileDecoder.OpenShared(path, bytes.Slice(stream.Offset, stream.Length)));
        return first is null || (decoder.Info.SampleRate, decoder.Info.Channels) == (first.SampleRate, first.Channels) ? decoder : new AlikeDecoder(path, decoder, first);
    }
}

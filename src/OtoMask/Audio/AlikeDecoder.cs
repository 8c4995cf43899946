namespace OtoMask.Audio;

/// <summary>A stream as another one is, at that one's sample rate: the mean of its channels, on as many channels as that one has.</summary>
/// <remarks>Read once, from its beginning.</remarks>
internal sealed class AlikeDecoder : AudioDecoder
{
    private readonly AudioReader reader;

    /// <param name="path">The file, for messages.</param>
    /// <param name="stream">The stream, which is then this decoder's.</param>
    /// <param name="like">What the other one is.</param>
    /// <exception cref="SoundLibraryException">libsoxr is missing or broken.</exception>
    public AlikeDecoder(string path, AudioDecoder stream, AudioInfo like)
    {
        Info = like with { Frames = (long)((double)stream.Info.Frames * like.SampleRate / stream.Info.SampleRate) };
        reader = AudioReader.Over(path, stream, like.SampleRate, expected: 0);
    }

    /// <inheritdoc/>
    public override AudioInfo Info { get; }

    /// <inheritdoc/>
    public override long? Length => null;

    /// <exception cref="NotSupportedException">Always.</exception>
    public override void Seek(long frame) => throw new NotSupportedException("a stream that is made like another is read from its beginning");

    /// <inheritdoc/>
    public override int Read(Span<float> interleaved)
    {
        float[] mono = reader.Take(interleaved.Length / Info.Channels);
        for (int frame = 0; frame < mono.Length; frame++)
            interleaved.Slice(frame * Info.Channels, Info.Channels).Fill(mono[frame]);
        return mono.Length;
    }

    /// <exception cref="NotSupportedException">Always.</exception>
    public override void Restart() => throw new NotSupportedException("a stream that is made like another is read once");

    /// <inheritdoc/>
    public override void Dispose() => reader.Dispose();
}

using System.Runtime.InteropServices;

using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Weights;

namespace OtoMask;

/// <summary>A trained encoder, ready to turn sound into embeddings. Thread-safe: one instance serves a whole program.</summary>
/// <example><code>
/// using var encoder = Encoder.Load("run");
/// float[,] frames = encoder.Encode(samples, 16000);
/// float[] clip = encoder.EncodeClip(samples, 16000);
/// </code></example>
/// <remarks>Sound is resampled to the encoder's rate, turned into a log-mel spectrogram, and encoded in chunks of the length that the encoder was
/// trained on. A frame is what the encoder says about one time step; a clip's embedding is the mean of its frames.</remarks>
public sealed class Encoder : IDisposable
{
    private readonly EncoderSnapshot snapshot;
    private readonly LogMelExtractor extractor;
    private readonly LogMelReader reader;
    private readonly Lock gate = new();
    private int callsInside;
    private bool isDisposed;

    private Encoder(EncoderSnapshot snapshot) =>
        (this.snapshot, extractor, reader) = (snapshot, new LogMelExtractor(snapshot.LogMel), new LogMelReader(snapshot.LogMel));

    /// <summary>Sample rate that sound is resampled to, in Hz.</summary>
    public int SampleRate => snapshot.LogMel.SampleRate;

    /// <summary>Numbers of an embedding of one layer.</summary>
    public int Width => snapshot.EmbeddingWidth;

    /// <summary>Layers of the encoder. With <see cref="EncoderLayers.All"/>, embeddings have <see cref="Width"/> times as many numbers.</summary>
    public int LayerCount => snapshot.Depth;

    /// <summary>Seconds of sound in one frame, for example 0.16.</summary>
    public double SecondsPerFrame => snapshot.SecondsPerStep;

    /// <summary>Frames in a second of sound, for example 6.25.</summary>
    public double FrameRate => 1 / SecondsPerFrame;

    /// <summary>Loads the encoder of a trained model.</summary>
    /// <param name="path">A run folder, a checkpoint, weights from elsewhere (<c>.pth</c>, safetensors), or a folder with one of these.</param>
    /// <param name="device">Where it computes: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>.</param>
    /// <param name="hints">What weights from elsewhere do not say themselves.</param>
    /// <exception cref="UserErrorException">There is no model at <paramref name="path"/>, it is damaged or unsafe, its geometry is not known, or the machine has no
    /// such device.</exception>
    public static Encoder Load(string path, string device = "cpu", GeometryHints? hints = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ArgumentException.ThrowIfNullOrWhiteSpace(device);
        return new Encoder(SavedModel.Open(path, hints).LoadEncoder(Devices.Find(device)));
    }

    /// <summary>Embeds every time step of a sound.</summary>
    /// <param name="samples">One channel, in about -1..1; at least one sample.</param>
    /// <param name="sampleRate">Samples a second, in Hz, 100 to 1,536,000.</param>
    /// <param name="layers">The last layer, or all of them side by side.</param>
    /// <param name="cancellation">Stops between two batches of chunks.</param>
    /// <returns>[frames, <see cref="Width"/>]: a row for each <see cref="SecondsPerFrame"/> of sound, the last one begun included.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ArgumentException">There is no sample, or some are NaN, infinite or absurd (above 1e12).</exception>
    /// <exception cref="ArgumentOutOfRangeException">The sample rate is impossible.</exception>
    /// <exception cref="ObjectDisposedException">The encoder is disposed.</exception>
    public float[,] Encode(ReadOnlySpan<float> samples, int sampleRate, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return ToRows(snapshot.Encode([LogMelOf(samples, sampleRate)], layers, cancellation: cancellation));
    }

    /// <summary>Embeds a sound as one vector, the mean of its frames.</summary>
    /// <returns><see cref="Width"/> numbers.</returns>
    /// <inheritdoc cref="Encode(ReadOnlySpan{float}, int, EncoderLayers, CancellationToken)" path="/param|/exception"/>
    public float[] EncodeClip(ReadOnlySpan<float> samples, int sampleRate, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return MeanOf(snapshot.Encode([LogMelOf(samples, sampleRate)], layers, cancellation: cancellation), layers);
    }

    /// <summary>Embeds every time step of a file: wav, flac, ogg, opus, mp3 and whatever ffmpeg reads, or a log-mel as <c>.npy</c>. Long ones are read in pieces.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layers">The last layer, or all of them side by side.</param>
    /// <param name="cancellation">Stops between two pieces.</param>
    /// <returns>[frames, <see cref="Width"/>]: a row for each <see cref="SecondsPerFrame"/> of sound, the last one begun included.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="UserErrorException">The file is missing, not audio, damaged, or holds NaN.</exception>
    /// <exception cref="ObjectDisposedException">The encoder is disposed.</exception>
    public float[,] Encode(string path, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return Reading(path, () => ToRows([.. PiecesOf(path, layers, cancellation)]));
    }

    /// <summary>Embeds a file as one vector, the mean of its frames; a day of sound takes no more memory than a minute.</summary>
    /// <returns><see cref="Width"/> numbers.</returns>
    /// <inheritdoc cref="Encode(string, EncoderLayers, CancellationToken)" path="/param|/exception"/>
    public float[] EncodeClip(string path, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return Reading(path, () => MeanOf(PiecesOf(path, layers, cancellation), layers));
    }

    /// <summary>Frees the model once the calls that are under way have ended; later ones are refused.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (isDisposed)
                return;
            isDisposed = true;
            FreeIfIdle();
        }
    }

    private LogMel LogMelOf(ReadOnlySpan<float> samples, int sampleRate)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleRate, AudioDecoder.LowestRate);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sampleRate, AudioDecoder.HighestRate);
        if (samples.IsEmpty)
            throw new ArgumentException("there is no sample to encode", nameof(samples));
        if (Believable.ProblemOfSamples(samples) is { } problem)
            throw new ArgumentException($"the sound {problem}", nameof(samples));
        if (sampleRate == SampleRate)
            return extractor.Compute(samples);
        float[] resampled = Resampler.Resample(samples, sampleRate, SampleRate);
        return resampled.Length > 0
            ? extractor.Compute(resampled)
            : throw new ArgumentException($"{samples.Length} samples at {sampleRate} Hz do not make one at {SampleRate} Hz", nameof(samples));
    }

    private IEnumerable<FrameEmbeddings> PiecesOf(string path, EncoderLayers layers, CancellationToken cancellation) =>
        reader.ReadPieces(path, snapshot.Input.Frames).Select(piece => snapshot.Encode([piece], layers, cancellation: cancellation)[0]);

    private static T Reading<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (BadClipException bad)
        {
            throw new UserErrorException($"cannot read {path}: {bad.Reason}; give an audio file", bad);
        }
    }

    private static float[,] ToRows(IReadOnlyList<FrameEmbeddings> pieces)
    {
        var rows = new float[pieces.Sum(piece => piece.Frames), pieces[0].Width];
        Span<float> rest = MemoryMarshal.CreateSpan(ref rows[0, 0], rows.Length);
        foreach (FrameEmbeddings piece in pieces)
        {
            piece.Values.CopyTo(rest);
            rest = rest[piece.Values.Length..];
        }
        return rows;
    }

    private float[] MeanOf(IEnumerable<FrameEmbeddings> pieces, EncoderLayers layers)
    {
        var mean = new TimeMean(snapshot.WidthOf(layers));
        foreach (FrameEmbeddings piece in pieces)
            mean.Add(piece);
        var embedding = new float[snapshot.WidthOf(layers)];
        mean.CopyTo(embedding);
        return embedding;
    }

    private void FreeIfIdle()
    {
        if (isDisposed && callsInside == 0)
            snapshot.Dispose();
    }

    /// <summary>While it lasts, the model is not freed.</summary>
    private readonly ref struct Call
    {
        private readonly Encoder encoder;

        public Call(Encoder encoder)
        {
            this.encoder = encoder;
            lock (encoder.gate)
            {
                ObjectDisposedException.ThrowIf(encoder.isDisposed, encoder);
                encoder.callsInside++;
            }
        }

        public void Dispose()
        {
            lock (encoder.gate)
            {
                encoder.callsInside--;
                encoder.FreeIfIdle();
            }
        }
    }
}

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
/// IReadOnlyList&lt;float[]&gt; many = encoder.EncodeClips([new(samples, 16000), new(others, 44100)]);
/// </code></example>
/// <remarks>Sound is resampled to the encoder's rate, turned into a log-mel spectrogram, and encoded in chunks of the length that the encoder was
/// trained on. A frame is what the encoder says about one time step; a clip's embedding is the mean of its frames.</remarks>
public sealed class Encoder : IDisposable
{
    private const int BatchesGathered = 4; // so many that most inputs find others of their length
    private readonly EncoderSnapshot snapshot;
    private readonly LogMelExtractor extractor;
    private readonly Lock gate = new();
    private int callsInside;
    private bool isDisposed;

    /// <summary>An encoder of a snapshot, for example of a model that was just trained.</summary>
    /// <param name="snapshot">The snapshot, which is this object's to dispose from now on.</param>
    public Encoder(EncoderSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        (this.snapshot, extractor) = (snapshot, new LogMelExtractor(snapshot.LogMel));
    }

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

    /// <summary>Embeds every time step of many sounds: faster than one after the other where they are short, with the same bits.</summary>
    /// <remarks>Log-mels are computed on all cores, and pieces of equal length go through the model together, whichever sound they come from. What is in memory at once
    /// does not grow with the number of sounds, but for the result.</remarks>
    /// <param name="sounds">The sounds, each of any length and rate.</param>
    /// <param name="layers">The last layer, or all of them side by side.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>For each sound, in their order, what <see cref="Encode(ReadOnlySpan{float}, int, EncoderLayers, CancellationToken)"/> gives.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ArgumentException">A sound has no sample, or some that are NaN, infinite or absurd (above 1e12); it is named by its number, from 0, before any is encoded.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A sample rate is impossible.</exception>
    /// <exception cref="ObjectDisposedException">The encoder is disposed.</exception>
    public IReadOnlyList<float[,]> Encode(IReadOnlyList<Waveform> sounds, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default) =>
        EncodeMany(sounds, layers, frames => ToRows([frames]), cancellation);

    /// <summary>Embeds each of many sounds as one vector, the mean of its frames.</summary>
    /// <returns>For each sound, in their order, <see cref="Width"/> numbers.</returns>
    /// <inheritdoc cref="Encode(IReadOnlyList{Waveform}, EncoderLayers, CancellationToken)" path="/remarks|/param|/exception"/>
    public IReadOnlyList<float[]> EncodeClips(IReadOnlyList<Waveform> sounds, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default) =>
        EncodeMany(sounds, layers, frames => MeanOf([frames], layers), cancellation);

    /// <summary>Embeds every time step of a file: wav, flac, ogg, opus, mp3 and whatever ffmpeg reads, or a log-mel as <c>.npy</c>. Long ones are read in pieces.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layers">The last layer, or all of them side by side.</param>
    /// <param name="cancellation">Stops while the file is read, and between two pieces.</param>
    /// <returns>[frames, <see cref="Width"/>]: a row for each <see cref="SecondsPerFrame"/> of sound, the last one begun included.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="UserErrorException">The file is missing, not audio, damaged, or holds NaN; or a library that reads sound is missing.</exception>
    /// <exception cref="ObjectDisposedException">The encoder is disposed.</exception>
    public float[,] Encode(string path, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return Reading(path, () => RowsOf(path, layers, cancellation));
    }

    /// <summary>Embeds a file as one vector, the mean of its frames; a day of sound takes no more memory than a minute.</summary>
    /// <returns><see cref="Width"/> numbers.</returns>
    /// <inheritdoc cref="Encode(string, EncoderLayers, CancellationToken)" path="/param|/exception"/>
    public float[] EncodeClip(string path, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return Reading(path, () => MeanOf(PiecesOf(path, layers, cancellation), layers));
    }

    /// <summary>Embeds every time step of the sound that a stream holds, in any format that a file may have; what it holds tells the format.</summary>
    /// <remarks>Its bytes, from where it stands and 4 GiB at most, are put in a temporary file without a name, private to this user; long sound is read in pieces.</remarks>
    /// <param name="sound">The stream. It need not seek, and stays open.</param>
    /// <param name="layers">The last layer, or all of them side by side.</param>
    /// <param name="cancellation">Stops while the stream is read, and between two pieces.</param>
    /// <returns>[frames, <see cref="Width"/>]: a row for each <see cref="SecondsPerFrame"/> of sound, the last one begun included.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    /// <exception cref="UserErrorException">The stream holds no audio, damaged audio, NaN or too much; or a library that reads sound is missing.</exception>
    /// <exception cref="IOException">The stream fails, or the disk is full.</exception>
    /// <exception cref="ObjectDisposedException">The encoder is disposed.</exception>
    public float[,] Encode(Stream sound, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return Reading(sound, path => RowsOf(path, layers, cancellation), cancellation);
    }

    /// <summary>Embeds the sound that a stream holds as one vector, the mean of its frames.</summary>
    /// <returns><see cref="Width"/> numbers.</returns>
    /// <inheritdoc cref="Encode(Stream, EncoderLayers, CancellationToken)" path="/remarks|/param|/exception"/>
    public float[] EncodeClip(Stream sound, EncoderLayers layers = EncoderLayers.Last, CancellationToken cancellation = default)
    {
        using Call call = new(this);
        return Reading(sound, path => MeanOf(PiecesOf(path, layers, cancellation), layers), cancellation);
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

    private T[] EncodeMany<T>(IReadOnlyList<Waveform> sounds, EncoderLayers layers, Func<FrameEmbeddings, T> finish, CancellationToken cancellation)
    {
        using Call call = new(this);
        Waveform.RequireAll(sounds, SampleRate);
        var finished = new T[sounds.Count];
        var threads = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        for (int first = 0, count; first < sounds.Count; first += count)
        {
            count = CountAtOnce(sounds, first, layers);
            var logMels = new LogMel[count];
            Parallel.For(0, count, threads, i => logMels[i] = extractor.Compute(sounds[first + i].At(SampleRate).Span));
            IReadOnlyList<FrameEmbeddings> encoded = snapshot.Encode(logMels, layers, cancellation: cancellation);
            Parallel.For(0, count, threads, i => finished[first + i] = finish(encoded[i]));
        }
        return finished;
    }

    /// <summary>How many sounds, one at least, have no more inputs together than are encoded at once.</summary>
    private int CountAtOnce(IReadOnlyList<Waveform> sounds, int first, EncoderLayers layers)
    {
        int most = (layers == EncoderLayers.All ? 1 : BatchesGathered) * EncoderSnapshot.DefaultChunksAtOnce;
        double secondsOfInput = (double)snapshot.Input.Frames * snapshot.LogMel.HopSize / SampleRate, inputs = 0;
        int end = first;
        while (end < sounds.Count && (end == first || inputs < most))
        {
            inputs += Math.Ceiling((double)sounds[end].Samples.Length / sounds[end].SampleRate / secondsOfInput);
            end++;
        }
        return end - first;
    }

    private LogMel LogMelOf(ReadOnlySpan<float> samples, int sampleRate)
    {
        Waveform.Require(samples, sampleRate, SampleRate);
        return extractor.Compute(sampleRate == SampleRate ? samples : Resampler.Resample(samples, sampleRate, SampleRate));
    }

    private float[,] RowsOf(string path, EncoderLayers layers, CancellationToken cancellation) => ToRows([.. PiecesOf(path, layers, cancellation)]);

    private IEnumerable<FrameEmbeddings> PiecesOf(string path, EncoderLayers layers, CancellationToken cancellation) =>
        new LogMelReader(snapshot.LogMel, cancellation, extractor).ReadPieces(path, snapshot.Input.Frames).Select(piece => snapshot.Encode([piece], layers, cancellation: cancellation)[0]);

    private static T Reading<T>(Stream sound, Func<string, T> read, CancellationToken cancellation)
    {
        try
        {
            return StreamFile.Read(sound, read, cancellation);
        }
        catch (Exception bad) when (bad is BadClipException or UnreadableAudioException)
        {
            throw new UserErrorException($"cannot read the stream: {bad switch { BadClipException clip => clip.Reason, UnreadableAudioException audio => audio.Reason, _ => bad.Message }}; give an audio file", bad);
        }
    }

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

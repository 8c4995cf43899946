using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

// B chunks, F bands, T frames of the model's input, (ph, pw) patch, Nf = F / ph, D width of a token, N layers.

/// <summary>
/// A frozen encoder with all it needs to embed sound: weights, input geometry, normalisation and front end. One of
/// a model in training sees the weights as they stand.
/// </summary>
public sealed class EncoderSnapshot : IDisposable
{
    /// <summary>Chunks that go through the model together unless told otherwise.</summary>
    public const int DefaultChunksAtOnce = 64;

    private readonly bool ownsEncoder;

    /// <summary>Puts an encoder together with what it was trained with.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="statistics">Mean and deviation it was trained with.</param>
    /// <param name="logMel">The front end it was trained with.</param>
    /// <param name="ownsEncoder">Whether disposing the snapshot disposes the encoder.</param>
    /// <exception cref="ArgumentException">The front end has another number of bands than the encoder.</exception>
    public EncoderSnapshot(FrozenEncoder encoder, NormalisationStatistics statistics, LogMelSettings logMel, bool ownsEncoder = false)
    {
        if (logMel.Bands != encoder.Shape.Input.Bands)
            throw new ArgumentException($"the front end gives {logMel.Bands} bands, the encoder takes {encoder.Shape.Input.Bands}", nameof(logMel));
        (Encoder, Statistics, LogMel, this.ownsEncoder) = (encoder, statistics, logMel, ownsEncoder);
    }

    /// <summary>The encoder.</summary>
    public FrozenEncoder Encoder { get; }

    /// <summary>Its input and patches.</summary>
    public InputGeometry Input => Encoder.Shape.Input;

    /// <summary>Mean and deviation that log-mels are normalised with.</summary>
    public NormalisationStatistics Statistics { get; }

    /// <summary>The front end.</summary>
    public LogMelSettings LogMel { get; }

    /// <summary>D, width of one token.</summary>
    public int TokenWidth => Encoder.Shape.Encoder.Width;

    /// <summary>Nf * D, width of a frame's and of a clip's embedding in one layer.</summary>
    public int EmbeddingWidth => Input.Grid.Rows * TokenWidth;

    /// <summary>Layers of the encoder.</summary>
    public int Depth => Encoder.Shape.Encoder.Depth;

    /// <summary>Seconds of sound in one time step, pw frames.</summary>
    public double SecondsPerStep => (double)Input.PatchWidth * LogMel.HopSize / LogMel.SampleRate;

    /// <summary>An encoder of random weights: the baseline that every result is read against (docs/evaluation.md section 5).</summary>
    /// <param name="encoder">Width, depth and heads.</param>
    /// <param name="input">Its input and patches.</param>
    /// <param name="statistics">Mean and deviation of the data.</param>
    /// <param name="logMel">The front end.</param>
    /// <param name="seed">Seed of the weights.</param>
    /// <param name="device">Where it lives.</param>
    /// <returns>A snapshot that owns its encoder.</returns>
    public static EncoderSnapshot Untrained(BlockShape encoder, InputGeometry input, NormalisationStatistics statistics, LogMelSettings logMel, ulong seed, Device device) =>
        new(new FrozenEncoder(new EncoderShape(input, encoder), seed, device), statistics, logMel, ownsEncoder: true);

    /// <summary>The untrained encoder of the same shape, front end and normalisation.</summary>
    public EncoderSnapshot Untrained(ulong seed) => Untrained(Encoder.Shape.Encoder, Input, Statistics, LogMel, seed, Encoder.Device);

    /// <summary>Nf * D, times N where every layer is asked for.</summary>
    public int WidthOf(EncoderLayers layers) => layers == EncoderLayers.All ? Depth * EmbeddingWidth : EmbeddingWidth;

    /// <summary>Encodes one clip of any length.</summary>
    /// <inheritdoc cref="Encode(IReadOnlyList{LogMel}, EncoderLayers, int, CancellationToken)"/>
    public FrameEmbeddings Encode(LogMel clip, EncoderLayers layers = EncoderLayers.Last) => Encode([clip], layers)[0];

    /// <summary>
    /// Encodes clips of any length in chunks of the model's input, without overlap; the last chunk is zero-padded, after
    /// normalisation, to whole patches (docs/method.md section 7).
    /// </summary>
    /// <remarks>Chunks of equal length go through the model together, whichever clip they come from. Thread-safe while nobody trains the encoder.</remarks>
    /// <param name="clips">The clips, or pieces of them of whole inputs.</param>
    /// <param name="layers">The last layer, or all of them side by side.</param>
    /// <param name="chunksAtOnce">How many chunks at most go through the model together.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>For each clip [T', Nf * D] or [T', N * Nf * D], T' = its frames / pw rounded up.</returns>
    /// <exception cref="ArgumentException">A clip has another number of bands.</exception>
    public IReadOnlyList<FrameEmbeddings> Encode(
        IReadOnlyList<LogMel> clips, EncoderLayers layers = EncoderLayers.Last, int chunksAtOnce = DefaultChunksAtOnce, CancellationToken cancellation = default)
    {
        FrameEmbeddings[] encoded = [.. clips.Select(clip => Allocate(clip, layers))];
        foreach (IGrouping<int, Chunk> alike in clips.SelectMany(ChunksOf).GroupBy(chunk => chunk.Columns))
        {
            foreach (Chunk[] batch in alike.Chunk(AtOnce(Math.Min(chunksAtOnce, alike.Count()), alike.Key)))
            {
                cancellation.ThrowIfCancellationRequested();
                EncodeBatch(batch, clips, layers, encoded);
            }
        }
        return encoded;
    }

    /// <summary>How many chunks of so many columns go through the model together: as many as are asked for, or as fit in memory.</summary>
    private int AtOnce(int wanted, int columns)
    {
        if (!Encoder.Device.IsCpu)
            return wanted;
        var memory = ModelMemory.Here(DType.Float32);
        int tokens = 1 + Input.Grid.Rows * columns;
        return ModelMemory.AtOnce($"encoding a clip of {Input.Bands}x{columns * Input.PatchWidth} in {tokens - 1} patches", chunks => memory.Encoding(Encoder.Shape, chunks, tokens), wanted);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ownsEncoder)
            Encoder.Dispose();
    }

    private FrameEmbeddings Allocate(LogMel clip, EncoderLayers layers)
    {
        if (clip.Bands != Input.Bands)
            throw new ArgumentException($"a clip of {clip.Bands} bands does not fit the model's {Input.Bands}");
        int steps = (clip.Frames + Input.PatchWidth - 1) / Input.PatchWidth, width = WidthOf(layers);
        return new FrameEmbeddings(steps, width, new float[checked(steps * width)]);
    }

    private IEnumerable<Chunk> ChunksOf(LogMel clip, int index)
    {
        for (int first = 0; first < clip.Frames; first += Input.Frames)
        {
            int frames = Math.Min(Input.Frames, clip.Frames - first);
            yield return new Chunk(index, first, frames, (frames + Input.PatchWidth - 1) / Input.PatchWidth);
        }
    }

    private void EncodeBatch(Chunk[] batch, IReadOnlyList<LogMel> clips, EncoderLayers layers, FrameEmbeddings[] encoded)
    {
        (int rows, int columns) = (Input.Grid.Rows, batch[0].Columns);
        int count = rows * columns, chunkSize = count * Input.PatchSize;
        var patches = new float[batch.Length * chunkSize];
        Parallel.For(0, batch.Length, i => CutPatches(clips[batch[i].Clip], batch[i], patches.AsSpan(i * chunkSize, chunkSize)));

        using var scope = new TensorScope();
        Tensor[] sent = Tensor.Send(Encoder.Device, HostArray.Of(PatchIds(rows, columns), 1, count), HostArray.Of(patches, batch.Length, count, Input.PatchSize));
        (Tensor ids, Tensor input) = (sent[0].Expand(batch.Length, count), sent[1]);
        IReadOnlyList<Tensor> tokens = layers == EncoderLayers.All ? Encoder.EncodeEveryLayer(input, ids) : [Encoder.Encode(input, ids)]; // [B, 1 + Nf * t, D] each
        for (int layer = 0; layer < tokens.Count; layer++)
        {
            float[] steps = tokens[layer].Narrow(1, 1, count).Reshape(batch.Length, rows, columns, TokenWidth).Permute(0, 2, 1, 3) // [B, t, Nf, D], no CLS
                .To(DType.Float32).ToArray<float>();
            for (int i = 0; i < batch.Length; i++)
                encoded[batch[i].Clip].Fill(steps.AsSpan(i * columns * EmbeddingWidth, columns * EmbeddingWidth), EmbeddingWidth, batch[i].FirstFrame / Input.PatchWidth, layer);
        }
    }

    private void CutPatches(LogMel clip, Chunk chunk, Span<float> patches)
    {
        int padded = chunk.Columns * Input.PatchWidth;
        var window = new float[Input.Bands * padded]; // zero where the clip has ended
        for (int band = 0; band < Input.Bands; band++)
        {
            Span<float> target = window.AsSpan(band * padded, chunk.Frames);
            clip.Values.AsSpan(band * clip.Frames + chunk.FirstFrame, chunk.Frames).CopyTo(target);
            Statistics.Apply(target);
        }
        PatchCutter.Cut(window, Input.Bands, padded, Input.PatchHeight, Input.PatchWidth, patches);
    }

    /// <summary>Ids, in the whole input's grid, of its first <paramref name="columns"/> patches of every frequency row.</summary>
    private long[] PatchIds(int rows, int columns)
    {
        var ids = new long[rows * columns];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = i / columns * Input.Grid.Columns + i % columns;
        return ids;
    }

    /// <summary>A piece of a clip that goes through the model at once.</summary>
    private readonly record struct Chunk(int Clip, int FirstFrame, int Frames, int Columns);
}

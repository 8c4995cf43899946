using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, N tokens of each, D width, h heads, L patches, P values of a patch, a bytes of a value in matrix products.

/// <summary>The memory that running a model takes on the CPU, counted from its shapes: what is certainly held at the fullest moment, in bytes.</summary>
/// <remarks>It counts the tensors that <c>native/transformer.cpp</c> keeps for the gradient, those of the block in work, and the N x N numbers that every
/// thread of <c>native/attention.cpp</c> has for its head. What allocators take besides is not in it, so what it says does not fit does not fit.</remarks>
/// <param name="Products">Type of the matrix products, float32 or bfloat16.</param>
/// <param name="HasKernels">Whether the bridge's kernels run; ATen's operators keep more, and N x N probabilities a head.</param>
/// <param name="Threads">Threads that compute.</param>
/// <param name="CheckpointActivations">Whether blocks keep only their input for the backward pass.</param>
internal sealed record ModelMemory(DType Products, bool HasKernels, int Threads, bool CheckpointActivations = false)
{
    private const int Float = sizeof(float), Id = sizeof(long);

    /// <summary>As a model would run here and now.</summary>
    /// <param name="products">Type of the matrix products.</param>
    /// <param name="checkpointActivations">Whether blocks keep only their input for the backward pass.</param>
    /// <param name="by">Who computes those in bfloat16; null = the kernels, where there are some, which take less.</param>
    public static ModelMemory Here(DType products, bool checkpointActivations = false, Bf16By? by = null) =>
        new(products, products == DType.BFloat16 ? TorchRuntime.Kernels >= KernelSet.Avx512Bf16 && by != Bf16By.Aten : TorchRuntime.Kernels >= KernelSet.Avx2, TorchRuntime.Threads, checkpointActivations);

    private int Value => Products == DType.BFloat16 ? 2 : Float; // a

    /// <summary>One step of pre-training over one batch.</summary>
    /// <param name="framework">How hidden patches are predicted.</param>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="clips">B.</param>
    /// <param name="visible">Visible patches of a mask.</param>
    /// <param name="masks">K, masks of a clip.</param>
    /// <param name="bytesPerParameter">What value, gradient and moments of one take.</param>
    /// <param name="batchesOnHost">Batches that lie on the host: those of the step, and what loaders have made ahead.</param>
    /// <param name="readsFeatures">Whether masks go by the encoder's features of the whole clip.</param>
    public long Training(Framework framework, ModelShape shape, long clips, long visible, int masks, int bytesPerParameter, int batchesOnHost, bool readsFeatures)
    {
        long all = shape.PatchCount, noise = masks * (all - visible) * (framework.MaskNoise(shape)?.Width ?? 0) * Float;
        long values = all * (shape.PatchSize * Float + masks * Id) * (batchesOnHost + 1); // and one as tensors
        long looking = readsFeatures ? Passing(shape.Encoder, 1 + all) + all * shape.Encoder.Width * Float : 0;
        return clips * (values + noise) + Math.Max(framework.Learning(this, shape, clips, visible, masks), clips * looking)
            + (OfEncoder(shape) + framework.DecoderValues(shape)) * bytesPerParameter + framework.TargetValues(shape) * Float;
    }

    /// <summary>Forward and backward pass of an encoder on the visible patches and a transformer that predicts the masked ones.</summary>
    /// <param name="shape">Sizes of both.</param>
    /// <param name="rows">Masks of all clips.</param>
    /// <param name="visible">Visible patches of a mask.</param>
    /// <param name="outputs">Values predicted of each masked patch.</param>
    /// <param name="hasTarget">Whether another encoder looks at the masked patches first.</param>
    internal long PredictingPatches(ModelShape shape, long rows, long visible, long outputs, bool hasTarget)
    {
        long all = shape.PatchCount, masked = all - visible;
        BlockShape encoder = shape.Encoder, decoder = shape.Decoder;
        long online = Kept(encoder, 1 + visible) * encoder.Depth;
        // Of the last block of the decoder only the masked tokens go through the MLP, and no checkpoint is made.
        long attending = online + Kept(decoder, 1 + all) * (decoder.Depth - 1) + KeptByAttention(decoder, 1 + all) + (hasTarget ? masked * outputs * Float : 0);
        long predicting = attending + KeptByMlp(decoder, masked) + 2 * masked * outputs * Float + InWork(decoder, masked);
        long learning = Math.Max(rows * Math.Max(predicting, online + InWork(encoder, 1 + visible)), rows * attending + 2 * OfThreads(decoder, rows, 1 + all));
        return Math.Max(learning, hasTarget ? rows * Passing(encoder, 1 + masked) : 0);
    }

    /// <summary>Blocks that keep nothing.</summary>
    /// <param name="shape">Of the blocks.</param>
    /// <param name="rows">B.</param>
    /// <param name="tokens">N.</param>
    internal long PassingThrough(BlockShape shape, long rows, long tokens) => Math.Max(rows * Passing(shape, tokens), OfThreads(shape, rows, tokens));

    /// <summary>One step of fine-tuning over one batch, parameters left out.</summary>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="clips">B.</param>
    /// <param name="tokens">N, the CLS token included.</param>
    /// <param name="samples">Samples of a clip, of which a loader holds a batch while it makes one.</param>
    /// <param name="batchesOnHost">Batches that lie on the host.</param>
    public long FineTuning(EncoderShape shape, long clips, long tokens, long samples, int batchesOnHost) =>
        clips * (samples * Float + tokens * shape.PatchSize * Float * (batchesOnHost + 1) + Kept(shape.Encoder, tokens) * (shape.Encoder.Depth - 1) + KeptByAttention(shape.Encoder, tokens))
        + Math.Max(clips * (KeptByMlp(shape.Encoder, tokens) + InWork(shape.Encoder, tokens)), 2 * OfThreads(shape.Encoder, clips, tokens));

    /// <summary>Encoding without gradients.</summary>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="clips">B.</param>
    /// <param name="tokens">N, the CLS token included.</param>
    public long Encoding(EncoderShape shape, long clips, long tokens) =>
        clips * (tokens * shape.PatchSize * Float * 2 + tokens * shape.Encoder.Width * Float)
        + PassingThrough(shape.Encoder, clips, tokens);

    /// <summary>The most clips that fit in the memory there is; null where that is not known.</summary>
    /// <param name="bytesOf">Bytes that a number of clips take.</param>
    /// <param name="clips">As many as are wanted.</param>
    public static long? MostThatFit(Func<long, long> bytesOf, long clips)
    {
        if (HostMemory.Available is not { } available)
            return null;
        if (bytesOf(clips) <= available)
            return clips;
        long fit = 0;
        for (long step = clips; step > 0; step /= 2)
        {
            while (fit + step <= clips && bytesOf(fit + step) <= available)
                fit += step;
        }
        return fit;
    }

    /// <summary>Whether so many clips fit, as far as is known.</summary>
    public static bool Fits(Func<long, long> bytesOf, long clips) => MostThatFit(bytesOf, clips) is not { } fit || fit >= clips;

    /// <summary>How many clips to take at once so that they fit in the memory there is.</summary>
    /// <param name="work">What is done with them, for example <c>encoding clips of 80x608</c>.</param>
    /// <param name="bytesOf">Bytes that a number of clips take.</param>
    /// <param name="clips">How many are wanted at once.</param>
    /// <returns>At least 1, at most <paramref name="clips"/>.</returns>
    /// <exception cref="UserErrorException">Not even one fits.</exception>
    public static int AtOnce(string work, Func<long, long> bytesOf, int clips)
    {
        long fit = MostThatFit(bytesOf, clips) ?? clips; // asked once: this stands before every batch
        return fit > 0 ? (int)fit : throw TooMuch(work, bytesOf(1), fit, "take a model of shorter input or larger patches, or free some memory");
    }

    /// <summary>Refuses work that does not fit in the memory there is, before the system kills the process for it.</summary>
    /// <param name="work">What it is, for example <c>a step of 64 clips of 80x608</c>.</param>
    /// <param name="bytesOf">Bytes that a number of clips take.</param>
    /// <param name="clips">How many are wanted at once.</param>
    /// <param name="remedy">What the user can lower.</param>
    /// <exception cref="UserErrorException">It does not fit.</exception>
    public static void Require(string work, Func<long, long> bytesOf, long clips, string remedy)
    {
        if (MostThatFit(bytesOf, clips) is { } fit && fit < clips)
            throw TooMuch(work, bytesOf(clips), fit, remedy);
    }

    private static UserErrorException TooMuch(string work, long bytes, long fit, string remedy) => new(FormattableString.Invariant(
        $"{work} takes at least {bytes / 1e9:0.0} GB of memory, and {HostMemory.Available / 1e9:0.0} GB can be had here, enough for {(fit == 0 ? "not even one clip" : fit == 1 ? "1 clip" : $"{fit} clips")}; {remedy}"));

    /// <summary>What a block keeps for its gradient, of a clip.</summary>
    internal long Kept(BlockShape shape, long tokens) => CheckpointActivations ? tokens * shape.Width * Float : KeptByAttention(shape, tokens) + KeptByMlp(shape, tokens);

    // x in float32; of products queries, keys, values and what attention mixes of them; the softmax's denominators.
    private long KeptByAttention(BlockShape shape, long tokens) => HasKernels
        ? tokens * (shape.Width * (Float + 4L * Value) + shape.Heads * Float)
        : tokens * (shape.Width * (Float + 7L * Value) + shape.Heads * tokens * Float); // what the norm gives, scaled queries, another layout; the probabilities

    // x in float32; the four times as wide input of GELU.
    private long KeptByMlp(BlockShape shape, long tokens) => HasKernels
        ? tokens * shape.Width * (Float + 4L * Value)
        : tokens * shape.Width * (Float + 9L * Value); // what the norm gives, and what GELU gives

    /// <summary>What the backward pass through a block takes besides: gradients of the MLP's inside, of its input and of its output; where a checkpoint was made, the block once more.</summary>
    private long InWork(BlockShape shape, long tokens) =>
        tokens * shape.Width * (2L * Float + 5L * Value) + (CheckpointActivations ? KeptByAttention(shape, tokens) + KeptByMlp(shape, tokens) : 0)
        + (HasKernels ? 0 : shape.Heads * tokens * tokens * Float);

    /// <summary>What a block takes where nothing is kept: input, output and the widest inside, of a clip.</summary>
    private long Passing(BlockShape shape, long tokens) =>
        tokens * shape.Width * (2L * Float + 4L * Value) + (HasKernels ? 0 : 2 * shape.Heads * tokens * tokens * Float);

    /// <summary>What threads have for the heads in work: scores and probabilities, N x N; twice as much where gradients are computed.</summary>
    private long OfThreads(BlockShape shape, long clips, long tokens) => HasKernels ? Math.Min(Threads, clips * shape.Heads) * tokens * tokens * (Float + Value) : 0;

    /// <summary>Values of an encoder.</summary>
    internal static long OfEncoder(EncoderShape shape) => (shape.PatchSize + 2L) * shape.Encoder.Width + OfBlocks(shape.Encoder);

    /// <summary>Values of a transformer that predicts.</summary>
    internal static long OfDecoder(ModelShape shape, long outputs) =>
        (shape.Encoder.Width + 2L) * shape.Decoder.Width + OfBlocks(shape.Decoder) + (shape.Decoder.Width + 1L) * outputs;

    /// <summary>Values of blocks and their norm.</summary>
    internal static long OfBlocks(BlockShape shape) => shape.Depth * (12L * shape.Width + 13) * shape.Width + 2L * shape.Width;
}

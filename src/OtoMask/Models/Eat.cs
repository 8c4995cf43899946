using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, K clones of each, L patches, Lv visible and Lm masked, P = ph * pw values a patch, D width of the encoder.

/// <summary>EAT: from a fifth of a clip, seen by several clones, predicts what a slow copy of the encoder makes of the whole, patch by patch and at one go.</summary>
/// <remarks>Chen et al., arXiv 2401.03497. docs/method.md section 10.</remarks>
internal sealed class Eat : MaskedModel
{
    private const double Epsilon = 1e-5;
    private readonly ConvolutionalDecoder decoder;
    private readonly VisionTransformer teacher;

    private Eat(ModelShape shape, ulong seed) : base(Framework, shape, seed)
    {
        decoder = new ConvolutionalDecoder(shape, Trained, Initial);
        // Declared in the encoder's order and drawn by the same streams: the teacher begins as a copy.
        teacher = new VisionTransformer(shape, Following, Initial, "target_", Encoder.Positions);
    }

    /// <summary>The framework, for the catalogue.</summary>
    public static new Framework Framework { get; } = new Objective();

    /// <summary>The teacher, which follows the whole encoder: patch map, CLS, blocks and norms.</summary>
    public override IReadOnlyList<Follower> Followers => FollowersInOrder;

    /// <summary>Mean over masked patches, and <see cref="MaskedModel.UtteranceWeight"/> times the mean over clones, of the squared distance over the root of D.</summary>
    public override Losses Loss(PatchBatch batch)
    {
        using var scope = new TensorScope();
        Tensor targets = Targets(TeacherMlps(batch.Whole)); // first, while the student keeps no activations yet: [B, L, D]
        Tensor encoded = Student(batch); // [B * K, 1 + Lv, D]
        Tensor frame = Distance(Predict(encoded, batch), PatchBatch.Gather(targets, batch.MaskedIds));
        Tensor utterance = Distance(Cls(encoded), OfClones(UtteranceTargets(targets), batch.VisibleIds.Shape[0]));
        return new Losses(scope.Keep(frame + utterance * UtteranceWeight), ("frame", scope.Keep(frame)), ("utterance", scope.Keep(utterance)));
    }

    /// <summary>What the teacher's MLPs give before it is added, of the patches alone: [B, L, D] of each of <see cref="MaskedModel.TargetLayers"/>, else of every block.</summary>
    internal IReadOnlyList<Tensor> TeacherMlps(Tensor whole)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        return [.. teacher.Blocks.ForwardMlps(teacher.EmbedWhole(whole), TargetLayers ?? TargetLayers.All(Shape.Encoder.Depth)).Select(mlp => scope.Keep(mlp.Narrow(1, 1, mlp.Shape[1] - 1)))];
    }

    /// <summary>What the student is to say of each patch: of every layer each channel to mean 0 and variance 1 over the clip's patches, the mean of the layers, each patch to
    /// mean 0 and variance 1. [B, L, D].</summary>
    internal static Tensor Targets(IReadOnlyList<Tensor> layers)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        Tensor sum = OverPatches(layers[0]);
        foreach (Tensor layer in layers.Skip(1))
            sum.AddInto(OverPatches(layer));
        return scope.Keep(F.LayerNorm(sum * (1.0 / layers.Count), Epsilon));
    }

    /// <summary>What CLS is to say: the mean of the patches' targets, [B, D].</summary>
    internal static Tensor UtteranceTargets(Tensor targets) => targets.Mean(1);

    /// <summary>What the student makes of each clone's visible patches, CLS first: [B * K, 1 + Lv, D].</summary>
    internal Tensor Student(PatchBatch batch)
    {
        using var scope = new TensorScope();
        return scope.Keep(Encoder.Blocks.Forward(Encoder.EmbedOften(batch.Seen, batch.VisibleIds)));
    }

    /// <summary>What the decoder says of the masked patches: [B * K, Lm, D].</summary>
    internal Tensor Predict(Tensor encoded, PatchBatch batch)
    {
        using var scope = new TensorScope();
        Tensor patches = encoded.Narrow(1, 1, encoded.Shape[1] - 1);
        return scope.Keep(decoder.Forward(patches, batch.VisibleIds, batch.MaskNoise, batch.MaskedIds).To(DType.Float32));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        teacher.Dispose();
        base.Dispose();
    }

    private static Tensor Cls(Tensor encoded) => encoded.Narrow(1, 0, 1).Reshape(encoded.Shape[0], encoded.Shape[2]).To(DType.Float32);

    /// <summary>[B, D] -> [B * K, D].</summary>
    private static Tensor OfClones(Tensor ofClips, long rows)
    {
        long clips = ofClips.Shape[0], width = ofClips.Shape[1];
        return ofClips.View(clips, 1, width).Expand(clips, rows / clips, width).Reshape(rows, width);
    }

    /// <summary>Mean over vectors of the last dimension of their squared distance, over the root of D.</summary>
    private static Tensor Distance(Tensor said, Tensor wanted)
    {
        Tensor off = said - wanted;
        return (off * off).Mean() * Math.Sqrt(said.Shape[^1]);
    }

    /// <summary>Each channel of [B, L, D] to mean 0 and variance 1 over the patches.</summary>
    private static Tensor OverPatches(Tensor layer)
    {
        using var scope = new TensorScope();
        Tensor values = layer.To(DType.Float32), centred = values - values.Mean(1, keep: true);
        return scope.Keep(centred * ((centred * centred).Mean(1, keep: true) + Epsilon).Rsqrt());
    }

    private sealed class Objective : Framework
    {
        public override string Name => "eat";

        public override string Title => "EAT";

        public override string FieldName => "eat";

        public override string DecoderName => "decoder";

        public override double MaskRatio => 0.8;

        // Published: 5e-4 for 48 clips, 53,333 of 400,000 updates of warm-up, tau moving over 100,000 of them.
        public override Recipe Recipe { get; } = new() { BaseLearningRate = 5e-4 * 256 / 48, Warmup = 2.0 / 15, ClipNorm = 4, EmaStart = 0.9998, EmaEnd = 0.99999, EmaRamp = 0.25 };

        public override bool HasTarget => true;

        public override int MasksPerClip => 16;

        public override bool HasClones => true;

        public override bool ReadsWholeClip => true;

        // The published loss of CLS is summed over the 12 clips and 16 clones of a worker.
        public override double? UtteranceWeight => 12 * 16;

        public override MaskNoise? MaskNoise(ModelShape shape) => new(shape.Encoder.Width, 0.01);

        public override BlockShape Decoder(string size) => KnownSizes.Encoder(size) with { Depth = 6, Heads = 16 };

        public override int Outputs(ModelShape shape) => shape.Encoder.Width;

        public override string? Impossible(ModelShape shape)
        {
            int groups = Math.Max(1, shape.Decoder.Heads);
            string? whose = shape.Encoder.Width % groups != 0 ? $"encoder's width of {shape.Encoder.Width}" : shape.Decoder.Width % groups != 0 ? $"decoder's own width of {shape.Decoder.Width}" : null;
            return whose is null ? null
                : $"decoder {shape.Decoder}: its {groups} groups of channels do not divide the {whose}; give `decoder` WIDTH/LAYERS/GROUPS with groups that divide both widths";
        }

        public override bool Wrote(IReadOnlyDictionary<string, long[]> tensors, int width, int patchSize) =>
            DecoderIn(tensors, depth: 1, heads: null) is not null && tensors[ConvolutionalDecoder.Last][0] == width && tensors.ContainsKey("target_cls_token");

        public override double Operations(ModelShape shape, int visible, int masks)
        {
            double width = shape.Encoder.Width, inside = shape.Decoder.Width, masked = shape.PatchCount - visible;
            double decoder = 2.0 * shape.PatchCount * ConvolutionalDecoder.Kernel * ConvolutionalDecoder.Kernel * inside * (width + (shape.Decoder.Depth - 1) * inside) / shape.Decoder.Heads
                + 2 * masked * inside * width;
            return 3 * masks * (StepCost.Blocks(shape.Encoder, 1 + visible) + decoder)
                + StepCost.Blocks(shape.Encoder, 1 + shape.PatchCount)
                + 3 * StepCost.Embedding(shape, shape.PatchCount); // of the student twice, for its input needs no gradient, and of the teacher
        }

        internal override long DecoderValues(ModelShape shape)
        {
            long width = shape.Encoder.Width, inside = shape.Decoder.Width;
            return inside * (width + (shape.Decoder.Depth - 1) * inside) / shape.Decoder.Heads * ConvolutionalDecoder.Kernel * ConvolutionalDecoder.Kernel
                + shape.Decoder.Depth * inside + (inside + 1) * width;
        }

        internal override long TargetValues(ModelShape shape) => ModelMemory.OfEncoder(shape);

        internal override long Learning(ModelMemory memory, ModelShape shape, long clips, long visible, int masks)
        {
            const int Float = sizeof(float);
            long all = shape.PatchCount, width = shape.Encoder.Width, inside = shape.Decoder.Width;
            long targets = clips * all * width * Float;
            // Each layer keeps its input and what its norm is given; by ATen what its GELU is given, too.
            long decoding = clips * masks * all * Float * (width + (memory.HasKernels ? 2 : 3) * inside * shape.Decoder.Depth);
            long looking = memory.PassingThrough(shape.Encoder, clips, 1 + all) + shape.Encoder.Depth * targets;
            return Math.Max(looking, targets + memory.Kept(shape.Encoder, 1 + visible) * shape.Encoder.Depth * clips * masks + decoding);
        }

        internal override string DecoderBlocks => ConvolutionalDecoder.BlocksName;

        /// <summary>The groups of channels, which stand for heads, are told by the first layer.</summary>
        internal override BlockShape? DecoderIn(IReadOnlyDictionary<string, long[]> tensors, int depth, int? heads) =>
            tensors.GetValueOrDefault(ConvolutionalDecoder.First) is [> 0 and <= int.MaxValue and var inside, > 0 and var inputs, ConvolutionalDecoder.Kernel, ConvolutionalDecoder.Kernel]
            && tensors.GetValueOrDefault(ConvolutionalDecoder.Last) is [> 0 and <= int.MaxValue and var width, _] && width % inputs == 0
                ? new BlockShape((int)inside, depth, (int)(width / inputs))
                : null;

        protected override MaskedModel Declare(ModelShape shape, ulong seed) => new Eat(shape, seed);
    }
}

using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Masked Modeling Duo: predicts, from the visible patches, what a slow copy of the encoder makes of the masked ones.</summary>
/// <remarks>Niizumi et al., arXiv 2210.14648 and 2404.06095. docs/method.md section 5.</remarks>
internal sealed class M2d : PatchPredictor
{
    private readonly BlockStack target;

    private M2d(ModelShape shape, ulong seed) : base(Framework, shape, seed)
    {
        // The target network begins with values of its own, not with a copy.
        var ownInitial = new Initial(seed ^ 0x7A52_6E7A_6574_0001);
        target = new BlockStack(Following, ownInitial, "target_blocks", "target_norm", shape.Encoder);
    }

    /// <summary>The framework, for the catalogue.</summary>
    public static new Framework Framework { get; } = new Objective();

    /// <summary>Mean over the masked patches of 2 - 2 cos(prediction, standardised target).</summary>
    public override Losses Loss(PatchBatch batch)
    {
        using var scope = new TensorScope();
        Tensor target = Target(batch).To(DType.Float32); // first, while the prediction keeps no activations yet: [B, Lm, D]
        return scope.Keep(F.CosineLoss(Predict(batch).To(DType.Float32), target));
    }

    /// <summary>The target network, which follows the online encoder's blocks and norm.</summary>
    public override IReadOnlyList<Follower> Followers => FollowersInOrder;

    private Tensor Target(PatchBatch batch)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        Tensor embedded = Encoder.Embed(batch.Masked, batch.MaskedIds);
        Tensor tokens = TargetLayers is null ? target.Forward(embedded) : target.ForwardMean(embedded, TargetLayers); // [B, 1 + Lm, D]
        return scope.Keep(tokens.Narrow(1, 1, tokens.Shape[1] - 1));
    }

    private sealed class Objective : Framework
    {
        public override string Name => "m2d";

        public override string Title => "M2D";

        public override string FieldName => "m2d";

        public override string DecoderName => "predictor";

        public override double MaskRatio => 0.7;

        public override bool HasTarget => true;

        public override BlockShape Decoder(string size) => size switch
        {
            "tiny" => new(192, 4, 3),
            "small" => new(256, 8, 8),
            "base" or "large" => new(512, 8, 16),
            _ => throw KnownSizes.Unknown(size),
        };

        public override int Outputs(ModelShape shape) => shape.Encoder.Width;

        public override bool Wrote(IReadOnlyDictionary<string, long[]> tensors, int width, int patchSize) =>
            tensors.GetValueOrDefault(MaskedDecoder.Head) is [var outputs, _] && outputs == width && tensors.ContainsKey("target_norm.weight");

        public override double Operations(ModelShape shape, int visible, int masks)
        {
            int masked = shape.PatchCount - visible;
            return masks * (StepCost.PredictingPatches(shape, visible, Outputs(shape)) + StepCost.Blocks(shape.Encoder, 1 + masked) + StepCost.Embedding(shape, masked));
        }

        protected override MaskedModel Declare(ModelShape shape, ulong seed) => new M2d(shape, seed);
    }
}

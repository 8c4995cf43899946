using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>MSM-MAE: a masked autoencoder on log-mel patches.</summary>
/// <remarks>Niizumi et al., "Masked spectrogram modeling using masked autoencoders", PMLR 166, 2022; He et al., arXiv
/// 2111.06377. docs/method.md section 4.</remarks>
internal sealed class MaskedAutoencoder : PatchPredictor
{
    private MaskedAutoencoder(ModelShape shape, ulong seed) : base(Framework, shape, seed)
    {
    }

    /// <summary>The framework, for the catalogue.</summary>
    public static new Framework Framework { get; } = new Objective();

    /// <summary>Mean squared error between the predicted and the per-patch standardised values of the masked patches.</summary>
    public override Losses Loss(PatchBatch batch)
    {
        using var scope = new TensorScope();
        Tensor predicted = Predict(batch).To(DType.Float32); // [B, Lm, P]
        Tensor error = predicted - Standardise(batch.Masked);
        return scope.Keep((error * error).Mean());
    }

    private sealed class Objective : Framework
    {
        public override string Name => "msm-mae";

        public override string Title => "MSM-MAE";

        public override string FieldName => "msm_mae";

        public override string DecoderName => "decoder";

        public override double MaskRatio => 0.75;

        public override BlockShape Decoder(string size) => size switch
        {
            "tiny" => new(96, 2, 3),
            "small" => new(192, 4, 3),
            "base" or "large" => new(384, 4, 6),
            _ => throw KnownSizes.Unknown(size),
        };

        public override int Outputs(ModelShape shape) => shape.PatchSize;

        public override string? Impossible(ModelShape shape) => shape.PatchSize > 1 ? null
            : $"patch {shape.Input.PatchText}: {Name} predicts every patch less its mean and over its deviation, and a single value has no deviation; choose a larger patch, or another framework";

        public override bool Wrote(IReadOnlyDictionary<string, long[]> tensors, int width, int patchSize) =>
            tensors.GetValueOrDefault(MaskedDecoder.Head) is [var outputs, _] && outputs == patchSize;

        public override double Operations(ModelShape shape, int visible, int masks) => masks * StepCost.PredictingPatches(shape, visible, Outputs(shape));

        protected override MaskedModel Declare(ModelShape shape, ulong seed) => new MaskedAutoencoder(shape, seed);
    }
}

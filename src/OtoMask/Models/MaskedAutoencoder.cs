using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>MSM-MAE: a masked autoencoder on log-mel patches.</summary>
/// <remarks>Niizumi et al., "Masked spectrogram modeling using masked autoencoders", PMLR 166, 2022; He et al., arXiv
/// 2111.06377. docs/method.md section 4.</remarks>
public sealed class MaskedAutoencoder : MaskedModel
{
    internal MaskedAutoencoder(ModelShape shape, ulong seed) : base(shape, seed, shape.PatchSize)
    {
    }

    /// <summary>Mean squared error between the predicted and the per-patch standardised values of the masked patches.</summary>
    public override Tensor Loss(PatchBatch batch)
    {
        using var scope = new TensorScope();
        Tensor predicted = Predict(batch).To(DType.Float32); // [B, Lm, P]
        Tensor error = predicted - Standardise(batch.Masked);
        return scope.Keep((error * error).Mean());
    }
}

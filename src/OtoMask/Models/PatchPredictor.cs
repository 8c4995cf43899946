using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>A model whose transformer says something about every masked patch: M2D's predictor, MSM-MAE's decoder.</summary>
public abstract class PatchPredictor : MaskedModel
{
    private readonly MaskedDecoder decoder;

    /// <inheritdoc/>
    protected PatchPredictor(Framework framework, ModelShape shape, ulong seed) : base(framework, shape, seed) =>
        decoder = new MaskedDecoder(shape, Trained, Initial, framework.Outputs(shape));

    internal override IReadOnlyList<PositionTable> Positions => [.. base.Positions, decoder.Positions];

    internal override IReadOnlyList<BlockStack> Stacks => [.. base.Stacks, decoder.Blocks];

    /// <summary>What is predicted of the masked patches: [B, Lm, outputs].</summary>
    public Tensor Predict(PatchBatch batch) => decoder.Forward(Encode(batch.Visible, batch.VisibleIds), batch.VisibleIds, batch.MaskedIds);

    internal override void LayOut(Device device, DType gradientType)
    {
        base.LayOut(device, gradientType);
        decoder.LayOut(device);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        decoder.Dispose();
        base.Dispose();
    }
}

using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Masked Modeling Duo: predicts, from the visible patches, what a slow copy of the encoder makes of the masked ones.</summary>
/// <remarks>Niizumi et al., arXiv 2210.14648 and 2404.06095. docs/method.md section 5.</remarks>
public sealed class M2d : MaskedModel
{
    private readonly BlockStack target;

    internal M2d(ModelShape shape, ulong seed) : base(shape, seed, shape.Encoder.Width)
    {
        // The target network begins with values of its own, not with a copy.
        var ownInitial = new Initial(seed ^ 0x7A52_6E7A_6574_0001);
        target = new BlockStack(Following, ownInitial, "target_blocks", "target_norm", shape.Encoder);
    }

    /// <summary>Mean over the masked patches of 2 - 2 cos(prediction, standardised target).</summary>
    public override Tensor Loss(PatchBatch batch)
    {
        using var scope = new TensorScope();
        Tensor target = Target(batch).To(DType.Float32); // first, while the prediction keeps no activations yet: [B, Lm, D]
        return scope.Keep(F.CosineLoss(Predict(batch).To(DType.Float32), target));
    }

    /// <summary>The target network, which follows the online encoder's blocks and norm.</summary>
    /// <remarks>Those were declared in the target's order, so each half of the target's flat buffer (decayed, not decayed) faces
    /// one contiguous piece of the online one.</remarks>
    public override IReadOnlyList<Follower> Followers => [Facing(decays: true), Facing(decays: false)];

    private Tensor Target(PatchBatch batch)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        Tensor tokens = target.Forward(Encoder.Embed(batch.Masked, batch.MaskedIds)); // [B, 1 + Lm, D]
        return scope.Keep(tokens.Narrow(1, 1, tokens.Shape[1] - 1));
    }

    private Follower Facing(bool decays)
    {
        Parameter[] slow = [.. Following.Parameters.Where(parameter => parameter.Decays == decays)];
        Parameter online = Trained.Parameters.Single(parameter => parameter.Name == slow[0].Name.Replace("target_", ""));
        return new Follower(Following, slow[0].Offset, online.Offset, slow.Sum(parameter => parameter.Count));
    }
}

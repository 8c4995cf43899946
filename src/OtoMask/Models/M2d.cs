using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Masked Modeling Duo: predicts, from the visible patches, what a slow copy of the encoder makes of the masked ones.</summary>
/// <remarks>Niizumi et al., arXiv 2210.14648 and 2404.06095. METHOD section 5.</remarks>
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
        Tensor predicted = Predict(batch).To(DType.Float32); // [B, Lm, D]
        return F.CosineLoss(predicted, Target(batch).To(DType.Float32));
    }

    /// <summary>Moves the target network: target = decay * target + (1 - decay) * online.</summary>
    public override void AfterStep(double decay)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        foreach ((Tensor slow, Tensor online) in Pairs())
            slow.LerpInto(online, 1 - decay);
    }

    private Tensor Target(PatchBatch batch)
    {
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        Tensor tokens = target.Forward(Encoder.Embed(batch.Masked, batch.MaskedIds)); // [B, 1 + Lm, D]
        return scope.Keep(tokens.Narrow(1, 1, tokens.Shape[1] - 1));
    }

    // Online blocks and norm were declared in the target's order, so each half of the target's flat buffer (decayed,
    // not decayed) faces one contiguous piece of the online one.
    private IEnumerable<(Tensor Slow, Tensor Online)> Pairs()
    {
        foreach (bool decays in (bool[])[true, false])
        {
            Parameter[] slow = [.. Following.Parameters.Where(parameter => parameter.Decays == decays)];
            string first = slow[0].Name.Replace("target_", "");
            long start = Trained.Parameters.Single(parameter => parameter.Name == first).Offset, length = slow.Sum(parameter => parameter.Count);
            yield return (Following.Values.Narrow(0, slow[0].Offset, length), Trained.Values.Narrow(0, start, length));
        }
    }
}

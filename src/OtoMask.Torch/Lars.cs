namespace OtoMask.Torch;

/// <summary>
/// Layer-wise adaptive rate scaling: momentum over gradients that are brought, parameter by parameter, to a fixed share of the
/// parameter's norm. Vectors (biases, norms) move by plain momentum.
/// </summary>
/// <remarks>You, Gitman and Ginsburg, "Large batch training of convolutional networks", arXiv 1708.03888, as MAE uses it
/// (He et al., arXiv 2111.06377).</remarks>
internal sealed class Lars : MomentumOptimizer
{
    private readonly Func<Parameter, double> rateOf;
    private readonly double weightDecay, trust;

    /// <summary>Begins at rest.</summary>
    /// <param name="parameters">A set laid out with gradients.</param>
    /// <param name="weightDecay">Share of a matrix that is added to its gradient.</param>
    /// <param name="momentum">Memory of the scaled gradients.</param>
    /// <param name="trust">The share of a matrix's norm that its gradient is brought to.</param>
    /// <param name="rateOf">Factor on the learning rate of a parameter, 0 = frozen; null = 1.</param>
    public Lars(ParameterSet parameters, double weightDecay = 0, double momentum = 0.9, double trust = 0.001, Func<Parameter, double>? rateOf = null)
        : base(parameters, momentum) => (this.weightDecay, this.trust, this.rateOf) = (weightDecay, trust, rateOf ?? (_ => 1));

    private protected override void Move(double learningRate, double gradientScale)
    {
        foreach (Parameter parameter in Parameters.Parameters)
        {
            using var scope = new TensorScope();
            Tensor Part(Tensor flat) => flat.Narrow(0, parameter.Offset, parameter.Count);
            Tensor values = Part(Parameters.Values), own = Part(Velocity), gradient = Part(Parameters.Gradients) * gradientScale;
            if (parameter.Decays)
            {
                gradient.AddInto(values, weightDecay);
                gradient.ScaleInto(Share(values.Norm().To(DType.Float64), gradient.Norm().To(DType.Float64)));
            }
            own.ScaleInto(Momentum);
            own.AddInto(gradient);
            values.AddInto(own, -learningRate * rateOf(parameter));
        }
    }

    /// <summary>The factor on a gradient, of no dimension: nobody waits to know it.</summary>
    private Tensor Share(Tensor norm, Tensor gradientNorm)
    {
        Tensor share = norm * trust / gradientNorm;
        return Tensor.Where(norm * gradientNorm > 0, share, share.ZerosLike() + 1.0);
    }
}

namespace OtoMask.Torch;

/// <summary>
/// Layer-wise adaptive rate scaling: momentum over gradients that are brought, parameter by parameter, to a fixed share of the
/// parameter's norm. Vectors (biases, norms) move by plain momentum.
/// </summary>
/// <remarks>You, Gitman and Ginsburg, "Large batch training of convolutional networks", arXiv 1708.03888, as MAE uses it
/// (He et al., arXiv 2111.06377).</remarks>
public sealed class Lars : IOptimizer
{
    private readonly ParameterSet parameters;
    private readonly Func<Parameter, double> rateOf;
    private readonly double weightDecay, momentum, trust;
    private readonly Tensor velocity;

    /// <summary>Begins at rest.</summary>
    /// <param name="parameters">A set laid out with gradients.</param>
    /// <param name="weightDecay">Share of a matrix that is added to its gradient.</param>
    /// <param name="momentum">Memory of the scaled gradients.</param>
    /// <param name="trust">The share of a matrix's norm that its gradient is brought to.</param>
    /// <param name="rateOf">Factor on the learning rate of a parameter, 0 = frozen; null = 1.</param>
    public Lars(ParameterSet parameters, double weightDecay = 0, double momentum = 0.9, double trust = 0.001, Func<Parameter, double>? rateOf = null)
    {
        (this.parameters, this.weightDecay, this.momentum, this.trust, this.rateOf) = (parameters, weightDecay, momentum, trust, rateOf ?? (_ => 1));
        using var scope = new TensorScope();
        velocity = scope.KeepForever(parameters.Gradients.ZerosLike());
    }

    /// <inheritdoc/>
    public long Steps { get; set; }

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, Tensor Values)> State => [("velocity", velocity)];

    /// <inheritdoc/>
    public void Step(double learningRate, double gradientScale)
    {
        Steps++;
        using IDisposable noGrad = TorchRuntime.NoGrad();
        foreach (Parameter parameter in parameters.Parameters)
        {
            using var scope = new TensorScope();
            Tensor Part(Tensor flat) => flat.Narrow(0, parameter.Offset, parameter.Count);
            Tensor values = Part(parameters.Values), own = Part(velocity), gradient = Part(parameters.Gradients) * gradientScale;
            if (parameter.Decays)
            {
                gradient.AddInto(values, weightDecay);
                gradient.ScaleInto(Share(values.Norm().Item(), gradient.Norm().Item()));
            }
            own.ScaleInto(momentum);
            own.AddInto(gradient);
            values.AddInto(own, -learningRate * rateOf(parameter));
        }
        parameters.Gradients.ZeroInto();
    }

    /// <inheritdoc/>
    public void Dispose() => velocity.Dispose();

    private double Share(double norm, double gradientNorm) => norm > 0 && gradientNorm > 0 ? trust * norm / gradientNorm : 1;
}

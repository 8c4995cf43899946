namespace OtoMask.Torch;

/// <summary>Stochastic gradient descent with momentum: v = m v + g; p -= rate v.</summary>
/// <remarks>Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, in PyTorch's form.</remarks>
public sealed class Sgd : IOptimizer
{
    private readonly ParameterSet parameters;
    private readonly IReadOnlyList<Stretch> stretches;
    private readonly double momentum;
    private readonly Tensor velocity;

    /// <summary>Begins at rest.</summary>
    /// <param name="parameters">A set laid out with gradients.</param>
    /// <param name="momentum">m, memory of the gradients.</param>
    /// <param name="rateOf">Factor on the learning rate of a parameter, 0 = frozen; null = 1.</param>
    public Sgd(ParameterSet parameters, double momentum = 0.9, Func<Parameter, double>? rateOf = null)
    {
        (this.parameters, this.momentum, stretches) = (parameters, momentum, parameters.Stretches(rateOf));
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
        using var scope = new TensorScope();
        velocity.ScaleInto(momentum);
        velocity.AddInto(parameters.Gradients, gradientScale);
        foreach (Stretch s in stretches)
            parameters.Values.Narrow(0, s.Start, s.Count).AddInto(velocity.Narrow(0, s.Start, s.Count), -learningRate * s.Rate);
        parameters.Gradients.ZeroInto();
    }

    /// <inheritdoc/>
    public void Dispose() => velocity.Dispose();
}

namespace OtoMask.Torch;

/// <summary>Stochastic gradient descent with momentum: v = m v + g; p -= rate v.</summary>
/// <remarks>Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, in PyTorch's form.</remarks>
internal sealed class Sgd : MomentumOptimizer
{
    private readonly IReadOnlyList<Stretch> stretches;

    /// <summary>Begins at rest.</summary>
    /// <param name="parameters">A set laid out with gradients.</param>
    /// <param name="momentum">m, memory of the gradients.</param>
    /// <param name="rateOf">Factor on the learning rate of a parameter, 0 = frozen; null = 1.</param>
    public Sgd(ParameterSet parameters, double momentum = 0.9, Func<Parameter, double>? rateOf = null)
        : base(parameters, momentum) => stretches = parameters.Stretches(rateOf);

    private protected override void Move(double learningRate, double gradientScale)
    {
        Velocity.ScaleInto(Momentum);
        Velocity.AddInto(Parameters.Gradients, gradientScale);
        foreach (Stretch s in stretches)
            Parameters.Values.Narrow(0, s.Start, s.Count).AddInto(Velocity.Narrow(0, s.Start, s.Count), -learningRate * s.Rate);
    }
}

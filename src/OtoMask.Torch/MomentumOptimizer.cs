namespace OtoMask.Torch;

/// <summary>An optimiser that remembers one velocity for every value.</summary>
internal abstract class MomentumOptimizer : IOptimizer
{
    private readonly StepCounter counter;

    /// <summary>Begins at rest.</summary>
    /// <param name="parameters">A set laid out with gradients.</param>
    /// <param name="momentum">m, memory of the velocity.</param>
    private protected MomentumOptimizer(ParameterSet parameters, double momentum)
    {
        (Parameters, Momentum) = (parameters, momentum);
        using var scope = new TensorScope();
        Velocity = scope.KeepForever(parameters.Values.ZerosLike());
        counter = new StepCounter(parameters.Values.Device);
    }

    /// <inheritdoc/>
    public long Steps
    {
        get => counter.Value;
        set => counter.Value = value;
    }

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, Tensor Values)> State => [("velocity", Velocity)];

    private protected ParameterSet Parameters { get; }

    private protected double Momentum { get; }

    /// <summary>v, [Count].</summary>
    private protected Tensor Velocity { get; }

    /// <inheritdoc/>
    public void Step(double learningRate, double gradientScale)
    {
        Steps++;
        using IDisposable noGrad = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        Move(learningRate, gradientScale);
        Parameters.Gradients.ZeroInto();
    }

    /// <inheritdoc/>
    public void Step(double learningRate, StepGate gate)
    {
        if (gate.IsDoneOnHost(Parameters.Gradients, scale => Step(learningRate, scale)))
            return;
        using IDisposable noGrad = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        counter.Add(gate);
        (Tensor values, Tensor velocity) = (Parameters.Values.Clone(), Velocity.Clone());
        Parameters.Gradients.CopyFrom(gate.Choose(Parameters.Gradients * gate.Scale!, Parameters.Gradients.ZerosLike()));
        Move(learningRate, gradientScale: 1);
        Parameters.Values.CopyFrom(gate.Choose(Parameters.Values, values));
        Velocity.CopyFrom(gate.Choose(Velocity, velocity));
        Parameters.Gradients.ZeroInto();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        counter.Dispose();
        Velocity.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Brings velocity and parameters one step further.</summary>
    private protected abstract void Move(double learningRate, double gradientScale);
}

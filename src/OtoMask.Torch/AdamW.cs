namespace OtoMask.Torch;

/// <summary>AdamW with decoupled weight decay over the flat buffers of a <see cref="ParameterSet"/>.</summary>
/// <remarks>Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019. One pass over memory on the CPU.</remarks>
public sealed class AdamW : IDisposable
{
    private static readonly Operator Update = new("otomask::adamw_");
    private readonly ParameterSet parameters;
    private readonly Segment[] segments;

    /// <summary>Prepares moments of zero for every value.</summary>
    /// <param name="parameters">A set laid out with gradients.</param>
    /// <param name="weightDecay">Decay of parameters of two or more dimensions; vectors do not decay.</param>
    /// <param name="beta1">Memory of the mean of the gradient.</param>
    /// <param name="beta2">Memory of the mean of its square.</param>
    /// <param name="epsilon">Added to the root of the mean square.</param>
    public AdamW(ParameterSet parameters, double weightDecay = 0.05, double beta1 = 0.9, double beta2 = 0.95, double epsilon = 1e-8)
    {
        (this.parameters, Beta1, Beta2, Epsilon) = (parameters, beta1, beta2, epsilon);
        using var scope = new TensorScope();
        Mean = scope.KeepForever(parameters.Values.ZerosLike());
        Square = scope.KeepForever(parameters.Values.ZerosLike());
        long decayed = parameters.DecayedCount;
        segments = [Cut(scope, 0, decayed, weightDecay), Cut(scope, decayed, parameters.Count - decayed, 0)];
    }

    /// <summary>Memory of the mean of the gradient.</summary>
    public double Beta1 { get; }

    /// <summary>Memory of the mean of its square.</summary>
    public double Beta2 { get; }

    /// <summary>Added to the root of the mean square.</summary>
    public double Epsilon { get; }

    /// <summary>Running mean of the gradient, [Count].</summary>
    public Tensor Mean { get; }

    /// <summary>Running mean of the squared gradient, [Count].</summary>
    public Tensor Square { get; }

    /// <summary>Updates made so far.</summary>
    public long Steps { get; set; }

    /// <summary>Moves the parameters against their gradients, which are left as they are.</summary>
    /// <param name="learningRate">Step length.</param>
    /// <param name="gradientScale">Factor on every gradient, for clipping and accumulation.</param>
    public void Step(double learningRate, double gradientScale = 1)
    {
        Steps++;
        using IDisposable noGrad = TorchRuntime.NoGrad();
        foreach (Segment s in segments)
            Update.Run(s.Values, s.Gradients, s.Mean, s.Square, learningRate, Beta1, Beta2, Epsilon, s.WeightDecay, Steps, gradientScale);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Segment segment in segments)
            segment.Dispose();
        Mean.Dispose();
        Square.Dispose();
    }

    private Segment Cut(TensorScope scope, long start, long length, double weightDecay)
    {
        Tensor Part(Tensor whole) => scope.KeepForever(whole.Narrow(0, start, length));
        return new Segment(Part(parameters.Values), Part(parameters.Gradients), Part(Mean), Part(Square), weightDecay);
    }

    private sealed record Segment(Tensor Values, Tensor Gradients, Tensor Mean, Tensor Square, double WeightDecay) : IDisposable
    {
        public void Dispose()
        {
            Values.Dispose();
            Gradients.Dispose();
            Mean.Dispose();
            Square.Dispose();
        }
    }
}

namespace OtoMask.Torch;

/// <summary>A stretch of values that follows a stretch of the trained ones: f = d f + (1 - d) p after every step.</summary>
/// <param name="Values">The set that follows.</param>
/// <param name="Offset">Where the stretch begins in its flat buffer.</param>
/// <param name="Start">Where the values it follows begin in the trained flat buffer.</param>
/// <param name="Count">How many there are.</param>
public readonly record struct Follower(ParameterSet Values, long Offset, long Start, long Count);

/// <summary>AdamW with decoupled weight decay over the flat buffers of a <see cref="ParameterSet"/>, and what else moves with each step.</summary>
/// <remarks>Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019. One pass over memory on the CPU.</remarks>
public sealed class AdamW : IOptimizer
{
    private static readonly Operator Update = new("otomask::adamw_"), UpdateWhere = new("otomask::adamw_where_");
    private readonly ParameterSet parameters;
    private readonly Segment[] segments;
    private readonly Tensor? largest;
    private readonly StepCounter counter;

    /// <summary>Prepares moments of zero for every value.</summary>
    /// <param name="parameters">A set laid out with gradients.</param>
    /// <param name="weightDecay">Decay of parameters of two or more dimensions; vectors do not decay.</param>
    /// <param name="followers">What follows the parameters; at most one stretch each of those that decay and of those that do not.</param>
    /// <param name="moments">Type of the moments, float32 or bfloat16. The short memories of the defaults forget the rounding within some
    /// twenty steps; with a beta2 of 0.999 it would add up.</param>
    /// <param name="beta1">Memory of the mean of the gradient.</param>
    /// <param name="beta2">Memory of the mean of its square.</param>
    /// <param name="epsilon">Added to the root of the mean square.</param>
    /// <param name="amsGrad">Divide by the largest mean square so far (Reddi, Kale and Kumar, "On the convergence of Adam and beyond", ICLR
    /// 2018); moments are float32 then.</param>
    /// <param name="rateOf">Factor on the learning rate of a parameter, 0 = frozen; null = 1. Not together with followers.</param>
    public AdamW(
        ParameterSet parameters, double weightDecay = 0.05, IReadOnlyList<Follower>? followers = null, DType moments = DType.Float32,
        double beta1 = 0.9, double beta2 = 0.95, double epsilon = 1e-8, bool amsGrad = false, Func<Parameter, double>? rateOf = null)
    {
        (this.parameters, Beta1, Beta2, Epsilon) = (parameters, beta1, beta2, epsilon);
        (Stretch Stretch, Follower? Follower)[] pieces = [.. parameters.Stretches(rateOf).Select(stretch => (stretch, FollowerOf(stretch.Start, stretch.Count, followers ?? [])))];
        counter = new StepCounter(parameters.Values.Device);
        using var scope = new TensorScope();
        Mean = scope.KeepForever(Tensor.Zeros(parameters.Values.Device, moments, parameters.Count));
        Square = scope.KeepForever(Tensor.Zeros(parameters.Values.Device, moments, parameters.Count));
        largest = amsGrad ? scope.KeepForever(Mean.ZerosLike()) : null;
        segments = [.. pieces.Select(piece => Cut(scope, piece.Stretch, weightDecay, piece.Follower))];
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

    /// <inheritdoc/>
    public long Steps
    {
        get => counter.Value;
        set => counter.Value = value;
    }

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, Tensor Values)> State => largest is null ? [("mean", Mean), ("square", Square)] : [("mean", Mean), ("square", Square), ("largest", largest)];

    /// <inheritdoc/>
    public void Step(double learningRate, double gradientScale) => Step(learningRate, gradientScale, emaDecay: 1);

    /// <inheritdoc/>
    void IOptimizer.Step(double learningRate, StepGate gate) => Step(learningRate, gate, emaDecay: 1);

    /// <summary>Moves the parameters against their gradients, and what follows after them; the gradients are zero then.</summary>
    /// <param name="learningRate">Step length.</param>
    /// <param name="gradientScale">Factor on every gradient, for clipping and accumulation.</param>
    /// <param name="emaDecay">d, how much of a follower stays: the decay of the exponential moving average.</param>
    public void Step(double learningRate, double gradientScale, double emaDecay)
    {
        Steps++;
        using IDisposable noGrad = TorchRuntime.NoGrad();
        foreach (Segment s in segments)
        {
            Update.Run(
                s.Values, s.Gradients, s.Mean, s.Square, learningRate * s.Rate, Beta1, Beta2, Epsilon, s.WeightDecay, Steps, gradientScale,
                s.Follower, s.FirstFollowed, emaDecay, s.Largest);
        }
    }

    /// <summary>The same, and what follows too, only if the step is taken.</summary>
    /// <inheritdoc cref="Step(double, double, double)"/>
    /// <param name="learningRate">Step length.</param>
    /// <param name="gate">Whether it is taken, and the factor on every gradient.</param>
    /// <param name="emaDecay">d.</param>
    internal void Step(double learningRate, StepGate gate, double emaDecay)
    {
        if (gate.IsDoneOnHost(parameters.Gradients, scale => Step(learningRate, scale, emaDecay)))
            return;
        using IDisposable noGrad = TorchRuntime.NoGrad();
        counter.Add(gate);
        foreach (Segment s in segments)
        {
            UpdateWhere.Run(
                gate.Applied, gate.Scale, s.Values, s.Gradients, s.Mean, s.Square, counter.There, learningRate * s.Rate, Beta1, Beta2, Epsilon, s.WeightDecay,
                s.Follower, s.FirstFollowed, emaDecay, s.Largest);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        counter.Dispose();
        foreach (Segment segment in segments)
            segment.Dispose();
        Mean.Dispose();
        Square.Dispose();
        largest?.Dispose();
    }

    private static Follower? FollowerOf(long start, long length, IReadOnlyList<Follower> followers)
    {
        Follower[] here = [.. followers.Where(follower => follower.Start >= start && follower.Start < start + length)];
        if (here.Length > 1 || here.Any(follower => follower.Start + follower.Count > start + length))
            throw new ArgumentException("a follower faces parameters of one kind, and no other one faces that kind", nameof(followers));
        return here is [Follower only] ? only : null;
    }

    private Segment Cut(TensorScope scope, Stretch stretch, double weightDecay, Follower? follower)
    {
        (long start, long length) = (stretch.Start, stretch.Count);
        Tensor Part(Tensor whole, long from, long count) => scope.KeepForever(whole.Narrow(0, from, count));
        return new Segment(
            Part(parameters.Values, start, length), Part(parameters.Gradients, start, length), Part(Mean, start, length), Part(Square, start, length),
            largest is null ? null : Part(largest, start, length), stretch.Decays ? weightDecay : 0, stretch.Rate,
            follower is { } f ? Part(f.Values.Values, f.Offset, f.Count) : null, follower is { } g ? g.Start - start : 0);
    }

    private sealed record Segment(
        Tensor Values, Tensor Gradients, Tensor Mean, Tensor Square, Tensor? Largest, double WeightDecay, double Rate, Tensor? Follower, long FirstFollowed) : IDisposable
    {
        public void Dispose()
        {
            Values.Dispose();
            Gradients.Dispose();
            Mean.Dispose();
            Square.Dispose();
            Largest?.Dispose();
            Follower?.Dispose();
        }
    }
}

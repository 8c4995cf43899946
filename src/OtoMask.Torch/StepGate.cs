namespace OtoMask.Torch;

/// <summary>Whether a step of training is taken, which it is only where its losses and the norm of its gradients are finite, and by how much its gradients are scaled.</summary>
/// <remarks>On the processor both are known at once. On another device they are decided where the gradients lie: the optimiser goes by tensors, and
/// nobody waits to know before <see cref="Read"/>.</remarks>
internal sealed class StepGate : IDisposable
{
    private const double ClipEpsilon = 1e-6; // as torch.nn.utils.clip_grad_norm_
    private readonly int losses;
    private readonly double[]? known;
    private readonly Tensor? told; // [losses, parts, norm, applied]

    private StepGate(int losses, double[]? known, Tensor? told) => (this.losses, this.known, this.told) = (losses, known, told);

    /// <summary>Decides.</summary>
    /// <param name="losses">The loss of each batch of the step, of no dimension.</param>
    /// <param name="parts">Other numbers to be told with them, of no dimension.</param>
    /// <param name="norm">The norm of the gradients, of no dimension.</param>
    /// <param name="mostNorm">Gradients of a larger norm are scaled down to it; infinity = never.</param>
    public static StepGate Of(IReadOnlyList<Tensor> losses, IReadOnlyList<Tensor> parts, Tensor norm, double mostNorm)
    {
        Tensor[] numbers = [.. losses, .. parts, norm];
        if (norm.Device.IsCpu)
        {
            double[] known = [.. numbers.Select(number => number.Item())];
            bool applied = double.IsFinite(known[^1]) && known.Take(losses.Count).All(double.IsFinite);
            return new StepGate(losses.Count, [.. known, applied ? 1 : 0], null) { ScaleOnHost = ScaleOf(known[^1], mostNorm) };
        }
        using IDisposable noGrad = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        Tensor all = Tensor.Cat(0, [.. numbers.Select(number => number.Detach().To(DType.Float32).View(1))]);
        Tensor ofNorm = all.Narrow(0, numbers.Length - 1, 1);
        Tensor decisive = parts.Count == 0 ? all : Tensor.Cat(0, all.Narrow(0, 0, losses.Count), ofNorm);
        Tensor finite = decisive.AreAllFinite().To(DType.Float32);
        Tensor scale = double.IsPositiveInfinity(mostNorm) ? ofNorm.ZerosLike() + 1.0 : ((ofNorm + ClipEpsilon).Reciprocal() * mostNorm).AtMost(1);
        return new StepGate(losses.Count, null, scope.KeepForever(Tensor.Cat(0, all, finite.View(1))))
        {
            Applied = scope.KeepForever(finite),
            Scale = scope.KeepForever(scale.View()),
        };
    }

    /// <summary>Where it is known without waiting: whether the step is taken, and the factor on its gradients.</summary>
    private (bool Applied, double Scale)? OnHost => known is null ? null : (known[^1] > 0, ScaleOnHost);

    /// <summary>Elsewhere: 1 or 0, float32 of no dimension.</summary>
    internal Tensor? Applied { get; private init; }

    /// <summary>Elsewhere: the factor on the gradients, float32 of no dimension.</summary>
    internal Tensor? Scale { get; private init; }

    private double ScaleOnHost { get; init; } = 1;

    /// <summary>Where it is known without waiting, takes the step or leaves it, and says so.</summary>
    /// <param name="gradients">Those of the step; they are zero afterwards.</param>
    /// <param name="take">Takes it, with the factor on its gradients, and zeroes them.</param>
    /// <returns>False elsewhere: the device is to decide.</returns>
    internal bool IsDoneOnHost(Tensor gradients, Action<double> take)
    {
        if (OnHost is not var (applied, scale))
            return false;
        if (applied)
            take(scale);
        else
            gradients.ZeroInto();
        return true;
    }

    /// <summary>What was decided, and by what; on another device than the processor this waits for it.</summary>
    public StepVerdict Read()
    {
        double[] values = known ?? [.. told!.ToArray<float>().Select(value => (double)value)];
        return new StepVerdict(values[..losses], values[losses..^2], values[^2], values[^1] > 0);
    }

    /// <summary>A value where the step is taken, another where it is not, chosen where they lie.</summary>
    public Tensor Choose(Tensor taken, Tensor otherwise) => OnHost is var (applied, _) ? applied ? taken : otherwise : Tensor.Where(Applied! > 0, taken, otherwise);

    /// <inheritdoc/>
    public void Dispose()
    {
        told?.Dispose();
        Applied?.Dispose();
        Scale?.Dispose();
    }

    private static double ScaleOf(double norm, double mostNorm) => double.IsPositiveInfinity(mostNorm) ? 1 : Math.Min(1, mostNorm / (norm + ClipEpsilon));
}

/// <summary>What a step was decided by.</summary>
/// <param name="Losses">The loss of each of its batches.</param>
/// <param name="Parts">The other numbers, in their order.</param>
/// <param name="Norm">The norm of its gradients.</param>
/// <param name="Applied">Whether it was taken.</param>
internal readonly record struct StepVerdict(double[] Losses, double[] Parts, double Norm, bool Applied);

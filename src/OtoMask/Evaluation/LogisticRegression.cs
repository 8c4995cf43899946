using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>
/// Logistic regression (multinomial, or one a class for multi-label tasks) with an L2 penalty on the weights, not the biases:
/// mean loss over rows + L2 / 2 * sum of squared weights.
/// </summary>
/// <remarks>The choice goes by the validation score, not the loss: where the validation part lacks a class, as whole groups often do, the
/// loss asks for far too much regularisation (measured: 21 % against 10 % on notes grouped by instrument program).</remarks>
internal static class LogisticRegression
{
    private const double Tolerance = 1e-4; // finer ones take twice the time and change no score by more than the seeds do
    private const int MostIterations = 200;
    private const int Patience = 3; // weaker penalties cost the most and, once worse three times, do not come back

    /// <summary>The L2 weights tried, strongest first.</summary>
    public static IReadOnlyList<double> L2Grid { get; } = [10, 1, 0.1, 1e-2, 1e-3, 1e-4];

    /// <summary>
    /// Fits a layer for each L2 weight of the grid, strongest first and each from the one before, until three in a row were no
    /// better in validation; keeps the best.
    /// </summary>
    public static FittedLayer Choose(ProbeData train, ProbeData valid, CancellationToken cancellation = default)
    {
        FittedLayer? best = null;
        double[] layer = ZeroLayer(train);
        int worse = 0;
        foreach (double l2 in L2Grid)
        {
            if (worse == Patience)
                break;
            int iterations = Minimise(train, l2, layer, cancellation);
            float[] weights = ToSingle(layer), logits = valid.Logits(weights);
            double score = valid.Score(logits);
            double loss = ProbeLoss.ToGradient(logits, valid.Targets, valid.Classes, valid.MultiLabel) / valid.Rows;
            var fitted = new FittedLayer(weights, score, loss, l2, iterations);
            (best, worse) = fitted.Beats(best) ? (fitted, 0) : (best, worse + 1);
        }
        return best!;
    }

    /// <summary>Fits one layer [C, D + 1].</summary>
    public static float[] Fit(ProbeData train, double l2, CancellationToken cancellation = default)
    {
        double[] layer = ZeroLayer(train);
        Minimise(train, l2, layer, cancellation);
        return ToSingle(layer);
    }

    private static int Minimise(ProbeData train, double l2, double[] layer, CancellationToken cancellation) => LimitedMemoryBfgs.Minimise(
        (point, gradient) =>
        {
            cancellation.ThrowIfCancellationRequested();
            return Evaluate(train, l2, point, gradient);
        },
        layer, Tolerance, MostIterations);

    private static double Evaluate(ProbeData train, double l2, double[] layer, double[] gradient)
    {
        using IDisposable frozen = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        Tensor logits = train.Features.MatMul(Tensor.Send(train.Device, ToSingle(layer), train.Classes, train.Inputs + 1).Transpose(0, 1)); // [n, C]
        (Tensor losses, Tensor residual) = train.MultiLabel ? BinaryLoss(logits, train.TargetTensor) : SoftmaxLoss(logits, train.TargetTensor);
        double loss = losses.To(DType.Float64).Sum().Item() / train.Rows;
        ReadOnlySpan<float> slope = residual.Transpose(0, 1).MatMul(train.Features).ToArray<float>(); // [C, D + 1]

        int width = train.Inputs + 1;
        double squares = 0;
        for (int i = 0; i < layer.Length; i++)
        {
            double penalised = i % width == width - 1 ? 0 : layer[i];
            squares += penalised * penalised;
            gradient[i] = slope[i] / train.Rows + l2 * penalised;
        }
        return loss + l2 / 2 * squares;
    }

    /// <summary>Cross-entropy of each row and its gradient, probability - target.</summary>
    private static (Tensor Losses, Tensor Gradient) SoftmaxLoss(Tensor logits, Tensor targets)
    {
        Tensor logarithms = F.LogSoftmax(logits, -1);
        return ((logarithms * targets).Sum(-1) * -1, logarithms.Exp() - targets);
    }

    /// <summary>Binary cross-entropy of each row, summed over classes, and its gradient.</summary>
    private static (Tensor Losses, Tensor Gradient) BinaryLoss(Tensor logits, Tensor targets) =>
        ((F.Softplus(logits) - logits * targets).Sum(-1), F.Sigmoid(logits) - targets);

    private static double[] ZeroLayer(ProbeData train) => new double[train.Classes * (train.Inputs + 1)];

    private static float[] ToSingle(double[] layer) => Array.ConvertAll(layer, weight => (float)weight);
}

using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>A linear layer fitted on one part and chosen on another.</summary>
/// <param name="Weights">[C, D + 1], the bias last.</param>
/// <param name="Score">Validation accuracy or macro average precision, 0..1.</param>
/// <param name="Loss">Validation loss, mean over rows.</param>
/// <param name="Setting">The hyper-parameter it was fitted with: learning rate or L2 weight.</param>
/// <param name="Epochs">Epochs (or iterations) until the weights stood.</param>
internal sealed record FittedLayer(float[] Weights, double Score, double Loss, double Setting, int Epochs)
{
    /// <summary>Validation score of every epoch until the fit stopped, 0..1; empty for a solver without epochs.</summary>
    public IReadOnlyList<double> ValidationScores { get; init; } = [];

    /// <summary>Whether this one does better in validation; of equal scores the lower loss does.</summary>
    public bool Beats(FittedLayer? other) => other is null || Score > other.Score || (Score == other.Score && Loss < other.Loss);
}

/// <summary>Where the random numbers of one fit come from.</summary>
/// <param name="Seed">The probe's seed.</param>
/// <param name="Fold">The fold, from 0.</param>
internal readonly record struct ProbeRandom(ulong Seed, int Fold)
{
    public RandomStream Split => new(Seed, RandomPurpose.Probe, 0, 3L * Fold);

    public RandomStream Initial => new(Seed, RandomPurpose.Probe, 0, 3L * Fold + 1);

    public RandomStream BatchOrder(int epoch) => new(Seed, RandomPurpose.Probe, epoch, 3L * Fold + 2);
}

/// <summary>
/// The field's probe: a linear layer trained by Adam, stopped early on the validation score (docs/evaluation.md sections 1.5 and 1.6).
/// Several learning rates train side by side: they share initial values, batches and matrix products.
/// </summary>
internal sealed class AdamProbe : IDisposable
{
    public const int MostEpochs = 200, Patience = 20;
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8, WeightDecay = 1e-8;
    private static readonly Operator AddProductInPlace = new("aten::addcmul_");

    private readonly ProbeData train, valid;
    private readonly double[] rates;
    private readonly Tensor weights, momentum, variance, rateColumn; // [R * C, D + 1], one block of C rows a rate; [R * C, 1]
    private int steps;

    private AdamProbe(ProbeData train, ProbeData valid, double[] rates, RandomStream random)
    {
        (this.train, this.valid, this.rates) = (train, valid, rates);
        using var scope = new TensorScope();
        int rows = rates.Length * train.Classes;
        weights = scope.KeepForever(Tensor.Send(train.Device, InitialWeights(random), rows, train.Inputs + 1));
        momentum = scope.KeepForever(weights.ZerosLike());
        variance = scope.KeepForever(weights.ZerosLike());
        rateColumn = scope.KeepForever(Tensor.Send<float>(train.Device, [.. rates.SelectMany(rate => Enumerable.Repeat((float)rate, train.Classes))], rows, 1));
    }

    /// <summary>Fits one layer for each learning rate.</summary>
    /// <param name="train">What to fit on.</param>
    /// <param name="valid">What to stop by.</param>
    /// <param name="rates">R learning rates.</param>
    /// <param name="batchSize">Rows of a batch.</param>
    /// <param name="laterTies">Of equal validation scores the later wins (by the letter); otherwise the lower validation loss.</param>
    /// <param name="random">Initial values and batch order.</param>
    /// <param name="cancellation">Stops between two epochs.</param>
    public static FittedLayer[] Fit(ProbeData train, ProbeData valid, double[] rates, int batchSize, bool laterTies, ProbeRandom random, CancellationToken cancellation = default)
    {
        using IDisposable frozen = TorchRuntime.NoGrad();
        using var probe = new AdamProbe(train, valid, rates, random.Initial);
        var best = new FittedLayer?[rates.Length];
        List<double>[] scores = [.. rates.Select(_ => new List<double>())];
        for (int epoch = 0; epoch < MostEpochs; epoch++)
        {
            cancellation.ThrowIfCancellationRequested();
            probe.TrainEpoch(batchSize, random.BatchOrder(epoch));
            FittedLayer[] current = probe.Validate(epoch + 1);
            bool anyHope = false;
            for (int r = 0; r < rates.Length; r++)
            {
                if (best[r] is { } earlier && epoch + 1 - earlier.Epochs > Patience)
                    continue; // stopped; it only rides along
                scores[r].Add(current[r].Score);
                bool better = laterTies ? best[r] is null || current[r].Score >= best[r]!.Score : current[r].Beats(best[r]);
                if (better)
                    best[r] = current[r] with { Weights = probe.WeightsOf(r) };
                anyHope |= epoch + 1 - best[r]!.Epochs < Patience;
            }
            if (!anyHope)
                break;
        }
        return [.. best.Zip(scores, (layer, own) => layer! with { ValidationScores = own })];
    }

    public void Dispose()
    {
        foreach (Tensor tensor in new[] { weights, momentum, variance, rateColumn })
            tensor.Dispose();
    }

    // Every rate begins with the same values, uniform in +-1/sqrt(D), bias included.
    private float[] InitialWeights(RandomStream random)
    {
        var block = new float[train.Classes * (train.Inputs + 1)];
        double bound = 1 / Math.Sqrt(train.Inputs);
        foreach (ref float value in block.AsSpan())
            value = (float)((2 * random.NextDouble() - 1) * bound);
        return [.. Enumerable.Repeat(block, rates.Length).SelectMany(same => same)];
    }

    private void TrainEpoch(int batchSize, RandomStream random)
    {
        long[] order = [.. Enumerable.Range(0, train.Rows)];
        random.Shuffle<long>(order);
        foreach (long[] batch in order.Chunk(batchSize))
            Step(batch);
    }

    private void Step(long[] batch)
    {
        using var scope = new TensorScope();
        Tensor rows = Tensor.Send(train.Device, batch, batch.Length), features = train.Features.IndexSelect(0, rows); // [b, D + 1]
        Tensor logits = features.MatMul(weights.Transpose(0, 1)); // [b, R * C]
        Tensor residual = train.Device.IsCpu ? ResidualOnHost(logits.ToArray<float>(), batch) : Residual(logits, rows);
        Tensor gradient = residual.Transpose(0, 1).MatMul(features); // [R * C, D + 1]
        gradient.ScaleInto(1.0 / (batch.Length * train.Classes));
        gradient.AddInto(weights, WeightDecay);
        Update(gradient);
    }

    /// <summary>Probability - target, in double: [b, R * C].</summary>
    private Tensor ResidualOnHost(float[] logits, long[] batch)
    {
        int classes = train.Classes, columns = rates.Length * classes;
        var targets = new float[logits.Length];
        for (int row = 0; row < batch.Length; row++)
        {
            for (int r = 0; r < rates.Length; r++)
                train.Targets.AsSpan((int)batch[row] * classes, classes).CopyTo(targets.AsSpan(row * columns + r * classes));
        }
        ProbeLoss.ToGradient(logits, targets, classes, train.MultiLabel);
        return Tensor.From(logits, batch.Length, columns);
    }

    /// <summary>The same where the logits are, for no batch waits for the one before.</summary>
    private Tensor Residual(Tensor logits, Tensor rows)
    {
        Tensor ofRates = logits.View(-1, rates.Length, train.Classes), targets = train.TargetTensor.IndexSelect(0, rows).View(-1, 1, train.Classes);
        return ((train.MultiLabel ? F.Sigmoid(ofRates) : F.LogSoftmax(ofRates, -1).Exp()) - targets).View(-1, rates.Length * train.Classes);
    }

    // Kingma and Ba, "Adam", 2015, algorithm 1.
    private void Update(Tensor gradient)
    {
        steps++;
        momentum.LerpInto(gradient, 1 - Beta1);
        variance.ScaleInto(Beta2);
        AddProductInPlace.Run(variance, gradient, gradient, 1 - Beta2);
        Tensor deviation = variance.Sqrt() * (1 / Math.Sqrt(1 - Math.Pow(Beta2, steps))) + Epsilon;
        weights.AddInto(momentum * rateColumn / deviation, -1 / (1 - Math.Pow(Beta1, steps)));
    }

    private FittedLayer[] Validate(int epoch) =>
    [
        .. rates.Select((rate, r) =>
        {
            float[] logits = LogitsOf(r);
            double score = valid.Score(logits);
            double loss = ProbeLoss.ToGradient(logits, valid.Targets, valid.Classes, valid.MultiLabel) / valid.Rows;
            return new FittedLayer([], score, loss, rate, epoch);
        }),
    ];

    private float[] LogitsOf(int rate)
    {
        using var scope = new TensorScope();
        return valid.Features.MatMul(BlockOf(rate).Transpose(0, 1)).ToArray<float>(); // [n, C]
    }

    private float[] WeightsOf(int rate)
    {
        using var scope = new TensorScope();
        return BlockOf(rate).ToArray<float>();
    }

    private Tensor BlockOf(int rate) => weights.Narrow(0, rate * train.Classes, train.Classes);
}

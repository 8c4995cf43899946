using OtoMask.Models;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

// n clips, L tokens each, D their width, M queries, C classes.

/// <summary>
/// Attentive evaluation: instead of the mean over time, learnt queries choose which tokens of a frozen encoder to listen to, each for a slice of their dimensions, and a linear layer tells
/// the classes by what they choose. What it finds beyond a linear probe lies in single patches and is lost in the mean.
/// </summary>
/// <remarks>Attentive pooling after Chen et al., "Context autoencoder", 2022, without its projections, as in Psomas et al., "Attention, please! Revisiting attentive probing", 2025: queries attend to the
/// standardised tokens themselves. Fitted by AdamW on what <see cref="LinearProbe"/> fits on, the learning rate and the epoch chosen on the same validation part; docs/evaluation.md section 1.8.</remarks>
public static class AttentiveProbe
{
    /// <summary>Queries, where they divide the width.</summary>
    public const int Queries = 8;

    private const int LeastBatch = 8, MostBatch = 64, StepsOfAnEpoch = 16, ScoredAtOnce = 256;
    private static readonly double[] Rates = [1e-3, 3e-3, 1e-2];

    /// <summary>Fits and tests a probe for each seed; folds are averaged.</summary>
    /// <param name="clips">The task at unit length.</param>
    /// <param name="encoder">The encoder.</param>
    /// <param name="name">What results call it.</param>
    /// <param name="seeds">Seeds of the validation split, initial values and batch order.</param>
    /// <param name="progress">Told of clips and fits, or null.</param>
    /// <param name="cancellation">Stops within a fit.</param>
    /// <exception cref="ArgumentException">There are no seeds.</exception>
    /// <exception cref="UserErrorException">The tokens of all clips do not fit in memory.</exception>
    public static ProbeResult Run(
        TaskClips clips, EncoderSnapshot encoder, string name, IReadOnlyList<ulong> seeds, IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default)
    {
        var embedding = new TokenEmbedding(encoder, name, clips);
        const int Views = 2, Copies = 2; // as kept, and one part of them while it is measured
        ModelMemory.Require(
            $"an attentive probe of {clips.Task.Clips.Count} clips of {embedding.Tokens} tokens", count => (long)Views * Copies * sizeof(float) * embedding.Width * count, clips.Task.Clips.Count,
            "take a shorter unit (`seconds`), or probe by the mean alone");
        EmbeddedTask tokens = EmbeddedTask.Embed(clips, embedding, progress, cancellation);
        return LinearProbe.Run(tokens, ProbeMode.Strict, seeds, (fold, seed) => RunFold(tokens, embedding.TokenWidth, fold, seed, cancellation), progress);
    }

    /// <summary>Fits and tests the probe of one fold and seed.</summary>
    /// <param name="tokens">The clips; a row is [L, D].</param>
    /// <param name="width">D.</param>
    /// <param name="foldIndex">The fold.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="cancellation">Stops between two epochs.</param>
    internal static LinearProbe.FoldOutcome RunFold(EmbeddedTask tokens, int width, int foldIndex, ulong seed, CancellationToken cancellation = default)
    {
        FoldClips fold = tokens.Folds[foldIndex];
        var random = new ProbeRandom(seed, foldIndex);
        ValidationSplit split = LinearProbe.SplitOf(tokens, fold, ProbeMode.Strict, random);
        Standardiser scale = Standardiser.Fit(tokens.Rows(split.Train, ClipView.RandomCrop), width);
        FittedLayer? best = null;
        using (TokenData learnt = new(tokens, [.. split.Train, .. split.Valid], ClipView.RandomCrop, width, scale))
        {
            foreach (double rate in Rates)
            {
                FittedLayer layer = Fit(learnt, split, rate, random, cancellation);
                best = layer.Beats(best) ? layer : best;
            }
        }
        using TokenData tested = new(tokens, fold.Test, ClipView.FromStart, width, scale);
        using var pooling = new AttentiveLayer(width, tokens.Task.Classes.Count, seed, tokens.Device);
        pooling.Set(best!.Weights);
        (double score, _, float[] logits) = Score(pooling, tested, fold.Test);
        return new LinearProbe.FoldOutcome(split, best, score, logits);
    }

    private static FittedLayer Fit(TokenData data, ValidationSplit split, double rate, ProbeRandom random, CancellationToken cancellation)
    {
        using var layer = new AttentiveLayer(data.Width, data.Classes, random.Seed, data.Device);
        using var optimizer = new AdamW(layer.Parameters, weightDecay: 0, beta2: 0.999);
        int batchSize = Math.Clamp(split.Train.Length / StepsOfAnEpoch, LeastBatch, MostBatch);
        FittedLayer? best = null;
        for (int epoch = 1; epoch <= AdamProbe.MostEpochs && epoch - (best?.Epochs ?? 0) <= AdamProbe.Patience; epoch++)
        {
            cancellation.ThrowIfCancellationRequested();
            int[] order = [.. split.Train];
            RandomStream stream = random.BatchOrder(epoch);
            stream.Shuffle<int>(order);
            foreach (int[] batch in order.Chunk(batchSize))
            {
                using var scope = new TensorScope();
                Tensor logits = layer.Logits(data.Tokens(batch)), targets = data.Targets(batch);
                (data.IsMultiLabel ? F.BinaryCrossEntropy(logits, targets) : (F.LogSoftmax(logits, -1) * targets).Sum() * (-1.0 / batch.Length)).Backward();
                optimizer.Step(rate, gradientScale: 1);
            }
            (double score, double loss, _) = Score(layer, data, split.Valid);
            var current = new FittedLayer([], score, loss, rate, epoch);
            if (current.Beats(best))
                best = current with { Weights = layer.Parameters.Values.ToArray<float>() };
        }
        return best!;
    }

    private static (double Score, double Loss, float[] Logits) Score(AttentiveLayer layer, TokenData data, int[] clips)
    {
        using IDisposable frozen = TorchRuntime.NoGrad();
        var logits = new List<float>();
        foreach (int[] chunk in clips.Chunk(ScoredAtOnce))
        {
            using var scope = new TensorScope();
            logits.AddRange(layer.Logits(data.Tokens(chunk)).ToArray<float>());
        }
        float[] all = [.. logits];
        IReadOnlyList<int>[] labels = data.LabelsOf(clips);
        double loss = ProbeLoss.ToGradient([.. all], ProbeLoss.Targets(labels, data.Classes), data.Classes, data.IsMultiLabel) / clips.Length;
        return (Scores.Of(all, labels, data.IsMultiLabel), loss, all);
    }

    /// <summary>The standardised tokens of some clips, made once: hundreds of epochs go through them.</summary>
    private sealed class TokenData : IDisposable
    {
        private readonly EmbeddedTask task;
        private readonly Dictionary<int, long> rowOf;
        private readonly Tensor tokens; // [n, L, D]

        public TokenData(EmbeddedTask task, int[] clips, ClipView view, int width, Standardiser scale)
        {
            (this.task, Width) = (task, width);
            rowOf = clips.Index().ToDictionary(clip => clip.Item, clip => (long)clip.Index);
            using var scope = new TensorScope();
            tokens = scope.KeepForever(Tensor.Zeros(task.Device, DType.Float32, clips.Length, task.Width / width, width));
            long done = 0;
            foreach (int[] chunk in clips.Chunk(ScoredAtOnce)) // a second copy of all of them would be much
            {
                using var part = new TensorScope();
                tokens.Narrow(0, done, chunk.Length).CopyFrom(Tensor.Send(task.Device, scale.Apply(task.Rows(chunk, view)), chunk.Length, task.Width / width, width));
                done += chunk.Length;
            }
        }

        public int Width { get; }

        public int Classes => task.Task.Classes.Count;

        public bool IsMultiLabel => task.Task.IsMultiLabel;

        public Device Device => task.Device;

        /// <summary>[n, L, D].</summary>
        public Tensor Tokens(int[] clips) => tokens.IndexSelect(0, Tensor.Send(Device, clips.Select(clip => rowOf[clip]).ToArray(), clips.Length));

        /// <summary>[n, C].</summary>
        public Tensor Targets(int[] clips) => Tensor.Send(Device, ProbeLoss.Targets(LabelsOf(clips), Classes), clips.Length, Classes);

        public IReadOnlyList<int>[] LabelsOf(int[] clips) => [.. clips.Select(clip => task.Task.Clips[clip].Labels)];

        public void Dispose() => tokens.Dispose();
    }
}

/// <summary>Queries and a linear layer: tokens [n, L, D] -> [n, C].</summary>
internal sealed class AttentiveLayer : IDisposable
{
    private const double Deviation = 0.02;
    private readonly Parameter queries, weight, bias;
    private readonly int width, heads;

    /// <param name="width">D.</param>
    /// <param name="classes">C.</param>
    /// <param name="seed">Of the first values: queries so short that all tokens weigh nearly the same.</param>
    /// <param name="device">Where it lives.</param>
    public AttentiveLayer(int width, int classes, ulong seed, Device device)
    {
        (this.width, heads) = (width, width % AttentiveProbe.Queries == 0 ? AttentiveProbe.Queries : 1);
        var initial = new Initial(seed);
        queries = Parameters.Add("queries", initial.Normal(Deviation), heads, width);
        weight = Parameters.Add("weight", initial.Normal(Deviation), classes, width);
        bias = Parameters.Add("bias", Initial.Zeros, classes);
        Parameters.LayOut(device, trained: true);
    }

    /// <summary>All that is learnt.</summary>
    public ParameterSet Parameters { get; } = new();

    /// <summary>Puts values in their places, as <see cref="ParameterSet.Values"/> gives them.</summary>
    public void Set(float[] values)
    {
        using var scope = new TensorScope();
        using IDisposable frozen = TorchRuntime.NoGrad();
        Parameters.Values.CopyFrom(Tensor.From(values, values.Length));
    }

    /// <summary>What the layer says of clips, before softmax or sigmoid.</summary>
    public Tensor Logits(Tensor tokens)
    {
        using var scope = new TensorScope();
        (long clips, long count) = (tokens.Shape[0], tokens.Shape[1]);
        Tensor scores = F.Linear(tokens, queries.Value, Tensor.Zeros(tokens.Device, DType.Float32, heads)) * (1 / Math.Sqrt(width)); // [n, L, M]
        Tensor weights = F.Softmax(scores, 1).View(clips, count, heads, 1);
        Tensor heard = (weights * tokens.View(clips, count, heads, width / heads)).Sum(1).View(clips, width);
        return scope.Keep(F.Linear(heard, weight, bias));
    }

    /// <inheritdoc/>
    public void Dispose() => Parameters.Dispose();
}

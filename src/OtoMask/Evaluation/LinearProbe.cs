
namespace OtoMask.Evaluation;

/// <summary>Linear evaluation: one linear layer on frozen embeddings (EVALUATION section 1).</summary>
/// <remarks>Niizumi et al., EVAR; the protocol of M2D (arXiv 2210.14648). Deterministic for a seed on one machine.</remarks>
public static class LinearProbe
{
    private const int LargestBatch = 200;
    private const double FieldRate = 3e-5;
    private static readonly double[] StrictRates = [3e-5, 3e-4, 3e-3];

    /// <summary>Fits and tests a probe for each seed; folds are averaged.</summary>
    /// <param name="task">The embedded task.</param>
    /// <param name="mode">How to fit.</param>
    /// <param name="seeds">Seeds of the validation split, initial values and batch order.</param>
    /// <param name="progress">Told (fits done, fits in all).</param>
    /// <exception cref="ArgumentException">There are no seeds.</exception>
    public static ProbeResult Run(EmbeddedTask task, ProbeMode mode, IReadOnlyList<ulong> seeds, Action<int, int>? progress = null)
    {
        if (seeds.Count == 0)
            throw new ArgumentException("a probe needs at least one seed", nameof(seeds));
        var notes = new SortedSet<string>(StringComparer.Ordinal);
        List<ProbeRun> runs = [];
        var (train, valid) = (0, 0);
        foreach (ulong seed in seeds)
        {
            (train, valid) = (0, 0);
            List<FoldOutcome> folds = [];
            for (int fold = 0; fold < task.Folds.Count; fold++)
            {
                var random = new ProbeRandom(seed, fold);
                ValidationSplit split = Split(task, task.Folds[fold], mode, random);
                if (split.Note is not null)
                    notes.Add(split.Note);
                (train, valid) = (train + split.Train.Length, valid + split.Valid.Length);
                folds.Add(RunFold(task, task.Folds[fold], split, mode, random));
                progress?.Invoke(runs.Count * task.Folds.Count + folds.Count, seeds.Count * task.Folds.Count);
            }
            runs.Add(new ProbeRun(
                seed, 100 * folds.Average(fold => fold.Score), [.. folds.Select(fold => fold.Layer.Setting)], [.. folds.Select(fold => fold.Layer.Epochs)],
                [.. folds.SelectMany(fold => fold.Logits)]));
        }
        int[] test = [.. task.Folds.SelectMany(fold => fold.Test)];
        return new ProbeResult
        {
            Task = task.Task,
            Embedding = task.Embedding,
            Mode = mode,
            Runs = runs,
            TestClips = test,
            Counts = new ClipCounts(train, valid, test.Length, task.Unreadable.Count),
            Notes = [.. notes],
        };
    }

    private static ValidationSplit Split(EmbeddedTask task, FoldClips fold, ProbeMode mode, ProbeRandom random) => fold.Valid.Length > 0
        ? new ValidationSplit(fold.Train, fold.Valid, null)
        : ValidationSplit.Draw(task.Task, fold.Train, strict: mode != ProbeMode.Evar, random.Split);

    private static FoldOutcome RunFold(EmbeddedTask task, FoldClips fold, ValidationSplit split, ProbeMode mode, ProbeRandom random)
    {
        // The letter of the protocol: embeddings of the whole training set, before a part is split off, make the scaler.
        Standardiser scale = FitScaler(task, mode == ProbeMode.Evar ? fold.Train : split.Train);
        using ProbeData train = ProbeData.Of(task, split.Train, ClipView.RandomCrop, scale);
        using ProbeData valid = ProbeData.Of(task, split.Valid, ClipView.RandomCrop, scale);
        int batch = Math.Min(LargestBatch, fold.Train.Length);
        FittedLayer layer = mode switch
        {
            ProbeMode.Evar => AdamProbe.Fit(train, valid, [FieldRate], batch, laterTies: true, random)[0],
            ProbeMode.Strict => AdamProbe.Fit(train, valid, StrictRates, batch, laterTies: false, random).Aggregate((best, next) => next.Beats(best) ? next : best),
            _ => LogisticRegression.Choose(train, valid),
        };
        return mode == ProbeMode.Tuned
            ? TestRefitted(task, fold, split, layer)
            : Test(task, fold, layer, scale);
    }

    private static FoldOutcome TestRefitted(EmbeddedTask task, FoldClips fold, ValidationSplit split, FittedLayer chosen)
    {
        int[] both = [.. split.Train.Concat(split.Valid).Order()];
        Standardiser scale = FitScaler(task, both);
        using ProbeData data = ProbeData.Of(task, both, ClipView.RandomCrop, scale);
        return Test(task, fold, chosen with { Weights = LogisticRegression.Fit(data, chosen.Setting) }, scale);
    }

    private static FoldOutcome Test(EmbeddedTask task, FoldClips fold, FittedLayer layer, Standardiser scale)
    {
        using ProbeData test = ProbeData.Of(task, fold.Test, ClipView.FromStart, scale);
        float[] logits = test.Logits(layer.Weights);
        return new FoldOutcome(layer, test.Score(logits), logits);
    }

    private static Standardiser FitScaler(EmbeddedTask task, int[] clips) => Standardiser.Fit(task.Rows(clips, ClipView.RandomCrop), task.Width);

    private sealed record FoldOutcome(FittedLayer Layer, double Score, float[] Logits);
}

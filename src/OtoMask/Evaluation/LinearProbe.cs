using OtoMask.Data;

namespace OtoMask.Evaluation;

/// <summary>Linear evaluation: one linear layer on frozen embeddings (docs/evaluation.md section 1).</summary>
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
    /// <param name="progress">Told of fits, or null.</param>
    /// <param name="cancellation">Stops within a fit.</param>
    /// <exception cref="ArgumentException">There are no seeds.</exception>
    public static ProbeResult Run(
        EmbeddedTask task, ProbeMode mode, IReadOnlyList<ulong> seeds, IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default) =>
        Run(task, mode, seeds, (fold, seed) => RunFold(task, fold, mode, seed, cancellation), progress);

    /// <summary>The same of any probe that is fitted for a fold and a seed.</summary>
    internal static ProbeResult Run(EmbeddedTask task, ProbeMode mode, IReadOnlyList<ulong> seeds, Func<int, ulong, FoldOutcome> runFold, IProgress<WorkProgress>? progress)
    {
        if (seeds.Count == 0)
            throw new ArgumentException("a probe needs at least one seed", nameof(seeds));
        var notes = new SortedSet<string>(task.Folds.Select(fold => NoteUnseen(task.Task, fold)).OfType<string>(), StringComparer.Ordinal);
        List<ProbeRun> runs = [];
        var (train, valid) = (0, 0);
        foreach (ulong seed in seeds)
        {
            (train, valid) = (0, 0);
            List<FoldOutcome> folds = [];
            for (int fold = 0; fold < task.Folds.Count; fold++)
            {
                FoldOutcome outcome = runFold(fold, seed);
                if (outcome.Split.Note is { } note)
                    notes.Add(note);
                (train, valid) = (train + outcome.Split.Train.Length, valid + outcome.Split.Valid.Length);
                folds.Add(outcome);
                progress?.Report(new WorkProgress($"probe {task.Embedding}", runs.Count * task.Folds.Count + folds.Count, seeds.Count * task.Folds.Count));
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

    private static string? NoteUnseen(LabelledTask task, FoldClips fold)
    {
        HashSet<int> tested = task.ClassesOf(fold.Test), unseen = [.. tested.Except(task.ClassesOf(fold.Train))];
        return unseen.Count == 0 ? null : $"{unseen.Count} of {tested.Count} classes to test on have no clip to train on: their test clips can be told by chance alone";
    }

    /// <summary>Fits and tests the probe of one fold and seed.</summary>
    internal static FoldOutcome RunFold(EmbeddedTask task, int foldIndex, ProbeMode mode, ulong seed, CancellationToken cancellation = default)
    {
        FoldClips fold = task.Folds[foldIndex];
        var random = new ProbeRandom(seed, foldIndex);
        ValidationSplit split = SplitOf(task, fold, mode, random);
        // The letter of the protocol: embeddings of the whole training set, before a part is split off, make the scaler.
        Standardiser scale = FitScaler(task, mode == ProbeMode.Evar ? fold.Train : split.Train);
        using ProbeData train = ProbeData.Of(task, split.Train, ClipView.RandomCrop, scale);
        using ProbeData valid = ProbeData.Of(task, split.Valid, ClipView.RandomCrop, scale);
        int batch = Math.Min(LargestBatch, fold.Train.Length);
        FittedLayer layer = mode switch
        {
            ProbeMode.Evar => AdamProbe.Fit(train, valid, [FieldRate], batch, laterTies: true, random, cancellation)[0],
            ProbeMode.Strict => AdamProbe.Fit(train, valid, StrictRates, batch, laterTies: false, random, cancellation).Aggregate((best, next) => next.Beats(best) ? next : best),
            _ => LogisticRegression.Choose(train, valid, cancellation),
        };
        return mode == ProbeMode.Tuned
            ? TestRefitted(task, fold, split, layer, cancellation)
            : Test(task, fold, split, layer, scale);
    }

    /// <summary>The clips of a fold to fit on and those to choose by: as the task marks them, or as they are drawn.</summary>
    internal static ValidationSplit SplitOf(EmbeddedTask task, FoldClips fold, ProbeMode mode, ProbeRandom random) => fold.Valid.Length > 0
        ? new ValidationSplit(fold.Train, fold.Valid, null)
        : ValidationSplit.Draw(task.Task, fold.Train, strict: mode != ProbeMode.Evar, random.Split);

    private static FoldOutcome TestRefitted(EmbeddedTask task, FoldClips fold, ValidationSplit split, FittedLayer chosen, CancellationToken cancellation)
    {
        int[] both = [.. split.Train.Concat(split.Valid).Order()];
        Standardiser scale = FitScaler(task, both);
        using ProbeData data = ProbeData.Of(task, both, ClipView.RandomCrop, scale);
        return Test(task, fold, split, chosen with { Weights = LogisticRegression.Fit(data, chosen.Setting, cancellation) }, scale);
    }

    private static FoldOutcome Test(EmbeddedTask task, FoldClips fold, ValidationSplit split, FittedLayer layer, Standardiser scale)
    {
        using ProbeData test = ProbeData.Of(task, fold.Test, ClipView.FromStart, scale);
        float[] logits = test.Logits(layer.Weights);
        return new FoldOutcome(split, layer, test.Score(logits), logits);
    }

    private static Standardiser FitScaler(EmbeddedTask task, int[] clips) => Standardiser.Fit(task.Rows(clips, ClipView.RandomCrop), task.Width);

    /// <param name="Split">The clips it was fitted on and chosen by.</param>
    /// <param name="Layer">What was fitted.</param>
    /// <param name="Score">Test score, 0..1.</param>
    /// <param name="Logits">[test clips, C].</param>
    internal sealed record FoldOutcome(ValidationSplit Split, FittedLayer Layer, double Score, float[] Logits);
}

using OtoMask.Data;

namespace OtoMask.Evaluation;

/// <summary>How a linear probe is fitted.</summary>
public enum ProbeMode
{
    /// <summary>
    /// Our default: Adam with early stopping, learning rate chosen on validation from 3e-5, 3e-4 and 3e-3, scaler fitted on the
    /// training part alone, groups never split between training and validation; of equal validation scores the lower loss wins.
    /// </summary>
    Strict,

    /// <summary>The field's published protocol to the letter: learning rate 3e-5, the scaler sees the validation part, of equal scores the later epoch wins.</summary>
    Evar,

    /// <summary>
    /// Strict, with another classifier: full-batch logistic regression, its L2 weight chosen on validation from 1e-4 to 10, then fitted
    /// again on training and validation together. For small tasks, where a badly regularised probe hides or invents gains.
    /// </summary>
    Tuned,
}

/// <summary>Clips that took part, summed over folds.</summary>
/// <param name="Train">Clips fitted on.</param>
/// <param name="Valid">Clips chosen by.</param>
/// <param name="Test">Clips scored on.</param>
/// <param name="Unreadable">Clips left out because they could not be read.</param>
public sealed record ClipCounts(int Train, int Valid, int Test, int Unreadable);

/// <summary>One seed's probe.</summary>
/// <param name="Seed">The probe's seed.</param>
/// <param name="Score">Test score in %, mean over folds.</param>
/// <param name="Settings">The chosen learning rate or L2 weight of each fold.</param>
/// <param name="Epochs">Epochs (or iterations of the solver) of the chosen layer, of each fold.</param>
/// <param name="Logits">[test clips of all folds, C]: what the probe says, in the order of <see cref="ProbeResult.TestClips"/>.</param>
public sealed record ProbeRun(ulong Seed, double Score, IReadOnlyList<double> Settings, IReadOnlyList<int> Epochs, float[] Logits);

/// <summary>What a linear probe makes of an embedded task.</summary>
public sealed record ProbeResult
{
    /// <summary>The task.</summary>
    public required LabelledTask Task { get; init; }

    /// <summary>Name of the embedding.</summary>
    public required string Embedding { get; init; }

    /// <summary>How it was fitted.</summary>
    public required ProbeMode Mode { get; init; }

    /// <summary>One run a seed.</summary>
    public required IReadOnlyList<ProbeRun> Runs { get; init; }

    /// <summary>The clips tested on, fold after fold: positions in the task.</summary>
    public required IReadOnlyList<int> TestClips { get; init; }

    /// <summary>Clips that took part.</summary>
    public required ClipCounts Counts { get; init; }

    /// <summary>Where the data fell short of the protocol, one line each.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>What the score is: <c>accuracy</c>, or <c>mAP</c> for multi-label tasks.</summary>
    public string Metric => Task.IsMultiLabel ? "mAP" : "accuracy";

    /// <summary>Test score in %, mean over seeds, with the 95 % interval of that mean over seeds.</summary>
    public Interval Score => Intervals.OverSeeds([.. Runs.Select(run => run.Score)]);

    /// <summary>Share of the seeds' probes that get each test clip right, 0..1, in the order of <see cref="TestClips"/>.</summary>
    /// <exception cref="InvalidOperationException">The task is multi-label: clips are not right or wrong.</exception>
    public double[] ClipScores()
    {
        if (Task.IsMultiLabel)
            throw new InvalidOperationException($"{Task.Name} is multi-label: its clips are not right or wrong");
        IReadOnlyList<int>[] labels = [.. TestClips.Select(clip => Task.Clips[clip].Labels)];
        double[][] correct = [.. Runs.Select(run => Scores.Correct(run.Logits, labels))];
        return [.. Enumerable.Range(0, TestClips.Count).Select(clip => correct.Average(seed => seed[clip]))];
    }
}

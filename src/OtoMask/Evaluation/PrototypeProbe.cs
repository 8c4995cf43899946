using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>How well a few labelled clips a class tell the rest.</summary>
/// <param name="Shots">Clips of a class.</param>
/// <param name="Episodes">Draws of such clips.</param>
/// <param name="Score">Mean test score in % over the draws, with the 95 % interval of that mean by Student's t.</param>
public sealed record PrototypeResult(int Shots, int Episodes, Interval Score);

/// <summary>
/// Few-shot classification: of every class a few training clips are drawn, their mean is its prototype, and test clips are of the class whose prototype has the highest cosine to them.
/// </summary>
/// <remarks>Snell et al., "Prototypical networks for few-shot learning", 2017, on frozen embeddings; docs/evaluation.md section 1: embeddings standardised by the training clips, whose
/// labels play no part in that. Validation clips count as training clips; a class with fewer clips gives all it has, one without any is never said.</remarks>
public static class PrototypeProbe
{
    /// <summary>Draws of clips, unless told otherwise.</summary>
    public const int DefaultEpisodes = 200;

    /// <summary>Clips of a class that may be asked for.</summary>
    internal static NumberRange ShotRange { get; } = new(1, 1000);

    /// <summary>Scores a task.</summary>
    /// <param name="task">The embedded task.</param>
    /// <param name="shots">Clips of each class that are known.</param>
    /// <param name="seed">Decides the draws: the same for every embedding of a task, so that differences are paired.</param>
    /// <param name="episodes">How often they are drawn, at least twice; folds are averaged within each.</param>
    /// <param name="cancellation">Stops between two draws.</param>
    /// <exception cref="UserErrorException">There is to be no clip of a class.</exception>
    public static PrototypeResult Run(EmbeddedTask task, int shots, ulong seed = 42, int episodes = DefaultEpisodes, CancellationToken cancellation = default)
    {
        ShotRange.Require("shots", shots);
        double[][] folds = [.. task.Folds.Select((fold, index) => ScoreFold(task, fold, index, shots, seed, episodes, cancellation))];
        double[] scores = [.. Enumerable.Range(0, episodes).Select(episode => 100 * folds.Average(fold => fold[episode]))];
        return new PrototypeResult(shots, episodes, Intervals.OverSeeds(scores));
    }

    private static double[] ScoreFold(EmbeddedTask task, FoldClips fold, int index, int shots, ulong seed, int episodes, CancellationToken cancellation)
    {
        int[] bank = [.. fold.Train.Concat(fold.Valid)];
        float[] known = task.Rows(bank, ClipView.RandomCrop);
        Standardiser scale = Standardiser.Fit(known, task.Width);
        IReadOnlyList<int>[] labels = [.. fold.Test.Select(clip => task.Task.Clips[clip].Labels)];
        int classes = task.Task.Classes.Count;
        int[][] rowsOfClass = [.. Enumerable.Range(0, classes).Select(label => bank.Index().Where(clip => task.Task.Clips[clip.Item].Labels.Contains(label)).Select(clip => clip.Index).ToArray())];

        using IDisposable frozen = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        Tensor directions = F.Normalize(Tensor.Send(task.Device, scale.Apply(known), bank.Length, task.Width)); // [n, D]
        Tensor queries = F.Normalize(Tensor.Send(task.Device, scale.Apply(task.Rows(fold.Test, ClipView.FromStart)), fold.Test.Length, task.Width)); // [t, D]
        var scores = new double[episodes];
        for (int episode = 0; episode < episodes; episode++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var inner = new TensorScope();
            var random = new RandomStream(seed, RandomPurpose.Probe, index, episode);
            Tensor membership = Tensor.Send(task.Device, Draw(rowsOfClass, bank.Length, shots, ref random), classes, bank.Length);
            Tensor prototypes = F.Normalize(membership.MatMul(directions)); // [C, D]; the sum has the direction of the mean
            float[] cosines = queries.MatMul(prototypes.Transpose(0, 1)).ToArray<float>();
            for (int i = 0; i < cosines.Length; i++)
            {
                if (rowsOfClass[i % classes].Length == 0)
                    cosines[i] = float.NegativeInfinity;
            }
            scores[episode] = Scores.Of(cosines, labels, task.Task.IsMultiLabel);
        }
        return scores;
    }

    /// <summary>[C, n], 1 for the clips that are drawn.</summary>
    private static float[] Draw(int[][] rowsOfClass, int rows, int shots, ref RandomStream random)
    {
        var membership = new float[rowsOfClass.Length * rows];
        foreach ((int label, int[] own) in rowsOfClass.Index())
        {
            int[] drawn = [.. own];
            int count = Math.Min(shots, drawn.Length);
            random.ShuffleFront<int>(drawn, count);
            foreach (int row in drawn[..count])
                membership[label * rows + row] = 1;
        }
        return membership;
    }
}

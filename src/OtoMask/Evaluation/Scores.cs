namespace OtoMask.Evaluation;

/// <summary>How well class scores agree with labels. Scores are logits or votes, [n, C]: only their order counts.</summary>
internal static class Scores
{
    /// <summary>What a task is scored by: accuracy, or macro average precision of a multi-label task; 0..1.</summary>
    /// <param name="scores">[n, C].</param>
    /// <param name="labels">The classes of each row.</param>
    /// <param name="multiLabel">Whether a row may be of several.</param>
    public static double Of(ReadOnlySpan<float> scores, IReadOnlyList<IReadOnlyList<int>> labels, bool multiLabel) =>
        multiLabel ? MacroAveragePrecision(scores, labels) : Accuracy(scores, labels);

    /// <summary>1 where the highest score is the label's, else 0; of equal scores the first counts.</summary>
    /// <param name="scores">[n, C].</param>
    /// <param name="labels">The one class of each row.</param>
    public static double[] Correct(ReadOnlySpan<float> scores, IReadOnlyList<IReadOnlyList<int>> labels)
    {
        var correct = new double[labels.Count];
        int classes = scores.Length / Math.Max(1, labels.Count);
        for (int row = 0; row < correct.Length; row++)
            correct[row] = ArgMax(scores.Slice(row * classes, classes)) == labels[row][0] ? 1 : 0;
        return correct;
    }

    /// <summary>Share of rows whose highest score is their label's.</summary>
    /// <inheritdoc cref="Correct"/>
    public static double Accuracy(ReadOnlySpan<float> scores, IReadOnlyList<IReadOnlyList<int>> labels) => Correct(scores, labels).Average();

    /// <summary>
    /// Mean over classes of the average precision, the sum over ranks of precision times the gain in recall; rows of equal score
    /// share a rank. Classes without a positive row are left out.
    /// </summary>
    /// <param name="scores">[n, C].</param>
    /// <param name="labels">The classes of each row.</param>
    /// <returns>0..1; NaN when no row has a label.</returns>
    public static double MacroAveragePrecision(ReadOnlySpan<float> scores, IReadOnlyList<IReadOnlyList<int>> labels)
    {
        int rows = labels.Count, classes = scores.Length / Math.Max(1, rows);
        var ranked = new (float Score, bool Positive)[rows];
        List<double> precisions = [];
        for (int c = 0; c < classes; c++)
        {
            for (int row = 0; row < rows; row++)
                ranked[row] = (scores[row * classes + c], labels[row].Contains(c));
            if (ranked.Any(row => row.Positive))
                precisions.Add(AveragePrecision(ranked));
        }
        return precisions.Count == 0 ? double.NaN : precisions.Average();
    }

    internal static int ArgMax(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int i = 1; i < scores.Length; i++)
        {
            if (scores[i] > scores[best])
                best = i;
        }
        return best;
    }

    private static double AveragePrecision((float Score, bool Positive)[] ranked)
    {
        Array.Sort(ranked, (a, b) => b.Score.CompareTo(a.Score));
        int positives = ranked.Count(row => row.Positive), hits = 0;
        double sum = 0;
        for (int first = 0, next; first < ranked.Length; first = next)
        {
            int before = hits;
            for (next = first; next < ranked.Length && ranked[next].Score == ranked[first].Score; next++)
                hits += ranked[next].Positive ? 1 : 0;
            sum += (hits - before) / (double)positives * hits / next;
        }
        return sum;
    }
}

namespace OtoMask.Evaluation;

/// <summary>Cross-entropy, or binary cross-entropy of every class of a multi-label task, summed over all entries.</summary>
internal static class ProbeLoss
{
    /// <summary>Targets [n, C], 1 at the labels of each row.</summary>
    public static float[] Targets(IReadOnlyList<IReadOnlyList<int>> labels, int classes)
    {
        var targets = new float[labels.Count * classes];
        foreach ((int row, IReadOnlyList<int> own) in labels.Index())
        {
            foreach (int label in own)
                targets[row * classes + label] = 1;
        }
        return targets;
    }

    /// <summary>The loss of logits [n, C] against targets [n, C] in {0, 1}, summed; the logits become its gradient, probability - target.</summary>
    public static double ToGradient(Span<float> logits, ReadOnlySpan<float> targets, int classes, bool multiLabel)
    {
        double loss = 0;
        for (int first = 0; first < logits.Length; first += classes)
        {
            Span<float> row = logits.Slice(first, classes);
            ReadOnlySpan<float> target = targets.Slice(first, classes);
            loss += multiLabel ? BinaryRow(row, target) : SoftmaxRow(row, target);
        }
        return loss;
    }

    private static double SoftmaxRow(Span<float> row, ReadOnlySpan<float> target)
    {
        float top = float.NegativeInfinity;
        foreach (float logit in row)
            top = Math.Max(top, logit);
        double sum = 0, loss = 0;
        for (int c = 0; c < row.Length; c++)
        {
            double shifted = row[c] - top, exponential = Math.Exp(shifted);
            loss -= target[c] * shifted;
            sum += exponential;
            row[c] = (float)exponential;
        }
        for (int c = 0; c < row.Length; c++)
            row[c] = (float)(row[c] / sum) - target[c];
        return loss + Math.Log(sum); // the targets of a row sum to 1
    }

    private static double BinaryRow(Span<float> row, ReadOnlySpan<float> target)
    {
        double loss = 0;
        for (int c = 0; c < row.Length; c++)
        {
            double logit = row[c], small = Math.Exp(-Math.Abs(logit)); // never overflows
            loss += Math.Max(logit, 0) - logit * target[c] + Math.Log(1 + small);
            row[c] = (float)((logit >= 0 ? 1 : small) / (1 + small)) - target[c];
        }
        return loss;
    }
}

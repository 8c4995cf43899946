using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>
/// k-nearest-neighbour classification: a check of embeddings that trains nothing. The k training clips of highest cosine
/// vote with weight e^(cosine / temperature).
/// </summary>
/// <remarks>Wu et al., "Unsupervised feature learning via non-parametric instance discrimination", 2018; docs/evaluation.md section 1:
/// embeddings standardised by the training clips.</remarks>
public static class NearestNeighbours
{
    /// <summary>k.</summary>
    public const int Neighbours = 10;

    private const double Temperature = 0.07;
    private const int RowsAtOnce = 512;

    /// <summary>Test score in %: accuracy, or macro average precision of a multi-label task; mean over folds. Validation clips count as training clips.</summary>
    public static double Score(EmbeddedTask task) => 100 * task.Folds.Average(fold => ScoreFold(task, fold));

    private static double ScoreFold(EmbeddedTask task, FoldClips fold)
    {
        int[] bank = [.. fold.Train.Concat(fold.Valid)];
        float[] known = task.Rows(bank, ClipView.RandomCrop);
        Standardiser scale = Standardiser.Fit(known, task.Width);
        float[] votes = Vote(task, bank, scale.Apply(known), fold.Test.Length, scale.Apply(task.Rows(fold.Test, ClipView.FromStart)));
        IReadOnlyList<int>[] labels = [.. fold.Test.Select(clip => task.Task.Clips[clip].Labels)];
        return Scores.Of(votes, labels, task.Task.IsMultiLabel);
    }

    /// <summary>[n, C], the weighted votes for every class.</summary>
    private static float[] Vote(EmbeddedTask task, int[] bank, float[] known, int count, float[] asked)
    {
        using IDisposable frozen = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        Tensor directions = F.Normalize(Tensor.Send(task.Device, known, bank.Length, task.Width)).Transpose(0, 1); // [D, N]
        Tensor queries = Tensor.Send(task.Device, asked, count, task.Width);
        int classes = task.Task.Classes.Count, k = Math.Min(Neighbours, bank.Length);
        var votes = new float[count * classes];
        for (int first = 0; first < count; first += RowsAtOnce)
        {
            using var inner = new TensorScope();
            int rows = Math.Min(RowsAtOnce, count - first);
            (Tensor cosines, Tensor ids) = F.Normalize(queries.Narrow(0, first, rows)).MatMul(directions).TopK(k); // [rows, k]
            float[] nearness = cosines.ToArray<float>();
            long[] nearest = ids.ToArray<long>();
            for (int i = 0; i < nearest.Length; i++)
            {
                foreach (int label in task.Task.Clips[bank[nearest[i]]].Labels)
                    votes[(first + i / k) * classes + label] += (float)Math.Exp((nearness[i] - 1) / Temperature);
            }
        }
        return votes;
    }
}

using OtoMask.Evaluation;

namespace OtoMask.Tests.Evaluation;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class NearestNeighboursTests
{
    [Theory]
    [InlineData(400, 0.4), InlineData(800, 0.2), InlineData(9, 0.5)]
    public void AgreesWithSortingByHand(int clips, double distance)
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips, classes: 3);
        EmbeddedTask embedded = task.Embed(width: 7, distance);
        Assert.Equal(100 * ByHand(embedded), NearestNeighbours.Score(embedded), 1e-9);
    }

    private static double ByHand(EmbeddedTask task)
    {
        (int[] train, int[] test) = (task.Folds[0].Train, task.Folds[0].Test);
        double[][] known = [.. train.Select(clip => Row(task, clip))];
        double[] mean = [.. Enumerable.Range(0, task.Width).Select(d => known.Average(row => row[d]))];
        double[] deviation = [.. Enumerable.Range(0, task.Width).Select(d => Math.Sqrt(known.Average(row => Math.Pow(row[d] - mean[d], 2))))];
        double[][] bank = [.. known.Select(Direct)];
        return test.Average(clip =>
        {
            double[] query = Direct(Row(task, clip));
            var votes = new double[task.Task.Classes.Count];
            foreach ((double cosine, int id) in bank.Select((row, i) => (row.Zip(query, (a, b) => a * b).Sum(), train[i])).OrderByDescending(pair => pair.Item1).Take(10))
                votes[task.Task.Clips[id].Labels[0]] += Math.Exp(cosine / 0.07);
            return Array.IndexOf(votes, votes.Max()) == task.Task.Clips[clip].Labels[0] ? 1.0 : 0;
        });

        double[] Direct(double[] row)
        {
            double[] scaled = [.. row.Select((x, d) => (x - mean[d]) / deviation[d])];
            double norm = Math.Sqrt(scaled.Sum(x => x * x));
            return [.. scaled.Select(x => x / norm)];
        }
    }

    private static double[] Row(EmbeddedTask task, int clip) => [.. task.Rows([clip], ClipView.FromStart).Select(x => (double)x)];
}

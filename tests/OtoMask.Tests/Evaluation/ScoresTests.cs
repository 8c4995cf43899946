using OtoMask.Evaluation;
using OtoMask.Randomness;

namespace OtoMask.Tests.Evaluation;

public class ScoresTests
{
    [Fact]
    public void CountsTheFirstOfEqualScores()
    {
        float[] scores = [1, 1, 0, /**/ 0, 2, 2, /**/ 3, 0, 0];
        Assert.Equal([1, 0, 1], Scores.Correct(scores, [[0], [2], [0]]));
        Assert.Equal(2.0 / 3, Scores.Accuracy(scores, [[0], [2], [0]]), 1e-12);
    }

    [Theory]
    [InlineData(1, false), InlineData(2, false), InlineData(3, true), InlineData(4, true)]
    public void AveragePrecisionIsTheSumOverThresholds(ulong seed, bool manyTies)
    {
        const int Rows = 37, Classes = 5;
        var random = new RandomStream(seed, RandomPurpose.Probe);
        float[] scores = [.. Enumerable.Range(0, Rows * Classes).Select(_ => manyTies ? random.NextInt32(4) : random.NextSingle())];
        // The last class has no positive row.
        IReadOnlyList<int>[] labels = [.. Enumerable.Range(0, Rows).Select(_ => Enumerable.Range(0, Classes - 1).Where(_ => random.NextInt32(3) == 0).ToArray())];
        double expected = Enumerable.Range(0, Classes - 1).Average(c => OverThresholds(scores, labels, c));
        Assert.Equal(expected, Scores.MacroAveragePrecision(scores, labels), 1e-12);

        double OverThresholds(float[] all, IReadOnlyList<int>[] truth, int c)
        {
            double sum = 0, before = 0;
            foreach (float threshold in Enumerable.Range(0, Rows).Select(row => all[row * Classes + c]).Distinct().OrderDescending())
            {
                int[] above = [.. Enumerable.Range(0, Rows).Where(row => all[row * Classes + c] >= threshold)];
                double hits = above.Count(row => truth[row].Contains(c)), recall = hits / truth.Count(row => row.Contains(c));
                sum += (recall - before) * hits / above.Length;
                before = recall;
            }
            return sum;
        }
    }

    [Fact]
    public void NoLabelsGiveNoScore() => Assert.Equal(double.NaN, Scores.MacroAveragePrecision([1, 2], [[], []]));
}

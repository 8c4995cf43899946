using OtoMask.Evaluation;
using OtoMask.Randomness;

namespace OtoMask.Tests.Evaluation;

/// <summary>The probe's steps beside a plain one in double, written after docs/evaluation.md sections 1.5 to 1.6.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public class AdamProbeTests
{
    [Theory]
    [InlineData(false, 3e-3), InlineData(false, 3e-5), InlineData(true, 3e-3)]
    public void AgreesWithPlainArithmetic(bool multiLabel, double rate)
    {
        string[] labels = multiLabel ? ["a", "b;c", "c", "a;b"] : ["a", "b", "c"];
        using var task = new SyntheticTask(Enumerable.Range(0, 100).Select(i => $"{i}.wav,{labels[i % labels.Length]},{(i < 80 ? "train" : "test")}"));
        EmbeddedTask embedded = task.Embed(width: 6, distance: 0.3);
        (int[] fitted, int[] chosen) = (embedded.Folds[0].Train[..70], embedded.Folds[0].Train[70..]);
        Standardiser scale = Standardiser.Fit(embedded.Rows(fitted, ClipView.RandomCrop), embedded.Width);
        using ProbeData train = ProbeData.Of(embedded, fitted, ClipView.RandomCrop, scale);
        using ProbeData valid = ProbeData.Of(embedded, chosen, ClipView.RandomCrop, scale);

        var random = new ProbeRandom(7, 0);
        FittedLayer actual = AdamProbe.Fit(train, valid, [rate], batchSize: 32, laterTies: true, random)[0];
        double[] expected = PlainFit(train, valid, rate, actual.Epochs, random);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual.Weights[i], 1e-4);
    }

    [Fact]
    public void TrainsEachRateAsIfAlone()
    {
        using SyntheticTask task = SyntheticTask.Balanced(clips: 120, classes: 3);
        EmbeddedTask embedded = task.Embed(width: 5, distance: 0.5);
        (int[] fitted, int[] chosen) = (embedded.Folds[0].Train[..60], embedded.Folds[0].Train[60..]);
        Standardiser scale = Standardiser.Fit(embedded.Rows(fitted, ClipView.RandomCrop), embedded.Width);
        using ProbeData train = ProbeData.Of(embedded, fitted, ClipView.RandomCrop, scale);
        using ProbeData valid = ProbeData.Of(embedded, chosen, ClipView.RandomCrop, scale);

        double[] rates = [3e-5, 3e-4, 3e-3];
        FittedLayer[] together = AdamProbe.Fit(train, valid, rates, 20, laterTies: false, new ProbeRandom(3, 0));
        for (int r = 0; r < rates.Length; r++)
        {
            FittedLayer alone = AdamProbe.Fit(train, valid, [rates[r]], 20, laterTies: false, new ProbeRandom(3, 0))[0];
            Assert.Equal(alone.Epochs, together[r].Epochs);
            Assert.Equal(alone.Score, together[r].Score);
            for (int i = 0; i < alone.Weights.Length; i++)
                Assert.Equal(alone.Weights[i], together[r].Weights[i], 1e-5f);
        }
    }

    [Fact]
    public void KeepsTheLaterOfEqualEpochsToTheLetter()
    {
        // Far-apart classes reach 100 % at once and stay there: by the letter the last of all epochs is kept.
        using SyntheticTask task = SyntheticTask.Balanced(clips: 80, classes: 2);
        EmbeddedTask embedded = task.Embed(width: 8, distance: 5);
        (int[] fitted, int[] chosen) = (embedded.Folds[0].Train[..40], embedded.Folds[0].Train[40..]);
        Standardiser scale = Standardiser.Fit(embedded.Rows(fitted, ClipView.RandomCrop), embedded.Width);
        using ProbeData train = ProbeData.Of(embedded, fitted, ClipView.RandomCrop, scale);
        using ProbeData valid = ProbeData.Of(embedded, chosen, ClipView.RandomCrop, scale);
        FittedLayer layer = AdamProbe.Fit(train, valid, [3e-3], 40, laterTies: true, new ProbeRandom(1, 0))[0];
        Assert.Equal((1.0, AdamProbe.MostEpochs), (layer.Score, layer.Epochs));
    }

    private static double[] PlainFit(ProbeData train, ProbeData valid, double rate, int epochs, ProbeRandom random)
    {
        (int classes, int width) = (train.Classes, train.Inputs + 1);
        float[] features = train.Features.ToArray<float>();
        RandomStream initial = random.Initial;
        double bound = 1 / Math.Sqrt(train.Inputs);
        double[] weights = [.. Enumerable.Range(0, classes * width).Select(_ => (2 * initial.NextDouble() - 1) * bound)];
        var (m, v) = (new double[weights.Length], new double[weights.Length]);
        int step = 0;
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            long[] order = [.. Enumerable.Range(0, train.Rows)];
            RandomStream shuffle = random.BatchOrder(epoch);
            shuffle.Shuffle<long>(order);
            foreach (long[] batch in order.Chunk(32))
            {
                double[] gradient = PlainGradient(train, features, weights, batch);
                step++;
                for (int i = 0; i < weights.Length; i++)
                {
                    double g = gradient[i] + 1e-8 * weights[i];
                    m[i] = 0.9 * m[i] + 0.1 * g;
                    v[i] = 0.999 * v[i] + 0.001 * g * g;
                    weights[i] -= rate * (m[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.999, step))) + 1e-8);
                }
            }
        }
        return weights;
    }

    // Of the mean, over all rows and classes, of -target * log softmax or of the binary cross-entropy.
    private static double[] PlainGradient(ProbeData train, float[] features, double[] weights, long[] batch)
    {
        (int classes, int width) = (train.Classes, train.Inputs + 1);
        var gradient = new double[weights.Length];
        foreach (long row in batch)
        {
            double[] logits = [.. Enumerable.Range(0, classes).Select(c => Enumerable.Range(0, width).Sum(d => features[row * width + d] * weights[c * width + d]))];
            double sum = logits.Sum(Math.Exp);
            for (int c = 0; c < classes; c++)
            {
                double probability = train.MultiLabel ? 1 / (1 + Math.Exp(-logits[c])) : Math.Exp(logits[c]) / sum;
                double slope = (probability - train.Targets[row * classes + c]) / (batch.Length * classes);
                for (int d = 0; d < width; d++)
                    gradient[c * width + d] += slope * features[row * width + d];
            }
        }
        return gradient;
    }
}

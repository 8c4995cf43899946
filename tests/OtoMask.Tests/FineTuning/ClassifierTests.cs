using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Randomness;
using OtoMask.Tests.Evaluation;
using OtoMask.Torch;

namespace OtoMask.Tests.FineTuning;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class ClassifierTests
{
    private const int Clips = 6, Rows = 3, Columns = 4, PatchSize = 4, Width = 8, Classes = 5;
    private static readonly EncoderShape Shape = new(new InputGeometry(2 * Rows, 2 * Columns, 2, 2), new BlockShape(Width, 2, 2));

    [Theory]
    [InlineData(nameof(ClipFeature.PerBand)), InlineData(nameof(ClipFeature.Flat))]
    public void The_head_sees_the_mean_of_what_the_encoder_says(string seen)
    {
        ClipFeature feature = Enum.Parse<ClipFeature>(seen);
        using var model = new Classifier(Shape, feature, Classes, seed: 7, Device.Cpu);
        using var encoder = new FrozenEncoder(Shape, seed: 7, Device.Cpu); // the same first values
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        Tensor patches = Patches(Rows * Columns), ids = Ids([.. Enumerable.Range(0, Rows * Columns)]);
        float[] tokens = encoder.Encode(patches, ids).ToArray<float>(); // [B, 1 + L, D]
        Parameter weight = model.Trained.Parameters.Single(parameter => parameter.Name == "head.mlp.mlp.0.weight");
        float[] w = weight.Value.ToArray<float>(), logits = model.Logits(patches, ids, training: false).ToArray<float>();
        Assert.Equal(feature == ClipFeature.Flat ? Width : Rows * Width, model.FeatureWidth);

        for (int clip = 0; clip < Clips; clip++)
        {
            for (int c = 0; c < Classes; c++)
            {
                double expected = 0;
                for (int id = 0; id < Rows * Columns; id++)
                {
                    for (int d = 0; d < Width; d++)
                    {
                        int input = feature == ClipFeature.Flat ? d : id / Columns * Width + d;
                        double share = 1.0 / (feature == ClipFeature.Flat ? Rows * Columns : Columns);
                        expected += share * tokens[(clip * (1 + Rows * Columns) + 1 + id) * Width + d] * w[c * model.FeatureWidth + input];
                    }
                }
                Assert.Equal(expected / Math.Sqrt(1 + 1e-5), logits[clip * Classes + c], 1e-5);
            }
        }
    }

    [Theory]
    [InlineData(nameof(ClipFeature.PerBand), 12, false), InlineData(nameof(ClipFeature.Flat), 12, true), InlineData(nameof(ClipFeature.Flat), 5, false)]
    public void Gradients_reach_every_parameter(string seen, int given, bool multiLabel)
    {
        ClipFeature feature = Enum.Parse<ClipFeature>(seen);
        using var model = new Classifier(Shape, feature, Classes, seed: 7, Device.Cpu);
        using var scope = new TensorScope();
        Tensor logits = model.Logits(Patches(given), Ids([.. Enumerable.Range(0, given)]), training: true);
        Tensor targets = Tensor.From([.. Enumerable.Range(0, Clips * Classes).Select(i => i % 6 == 0 ? 1f : 0)], Clips, Classes);
        Classifier.Loss(logits, targets, multiLabel).Backward();
        float[] gradients = model.Trained.Gradients.ToArray<float>();
        Assert.All(model.Trained.Parameters, parameter => Assert.Contains(gradients.AsSpan((int)parameter.Offset, (int)parameter.Count).ToArray(), gradient => gradient != 0));
        Assert.All(gradients, gradient => Assert.True(float.IsFinite(gradient)));
    }

    [Fact]
    public void Losses_are_means_over_clips_and_classes()
    {
        using var scope = new TensorScope();
        float[] x = [1, -2, 0.5f, 3, 0, -1], y = [0, 1, 0, 0.25f, 0.75f, 0];
        Tensor logits = Tensor.From(x, 2, 3), targets = Tensor.From(y, 2, 3);
        double LogSum(int row) => Math.Log(x[(3 * row)..(3 * row + 3)].Sum(v => Math.Exp(v)));
        Assert.Equal(-Enumerable.Range(0, 6).Sum(i => y[i] * (x[i] - LogSum(i / 3))) / 6, Classifier.Loss(logits, targets, multiLabel: false).Item(), 1e-6);
        Assert.Equal(
            Enumerable.Range(0, 6).Sum(i => Math.Log(1 + Math.Exp(x[i])) - x[i] * y[i]) / 6, Classifier.Loss(logits, targets, multiLabel: true).Item(), 1e-6);
    }

    [Fact]
    public void Batch_normalisation_follows_the_batches_in_training_alone()
    {
        using var model = new Classifier(Shape, ClipFeature.Flat, Classes, seed: 7, Device.Cpu);
        using var scope = new TensorScope();
        Tensor patches = Patches(12), ids = Ids([.. Enumerable.Range(0, 12)]);
        float[] Mean() => model.Running[0].Values.ToArray<float>();
        model.Logits(patches, ids, training: false);
        Assert.All(Mean(), value => Assert.Equal(0, value));
        model.Logits(patches, ids, training: true);
        float[] once = Mean();
        model.Logits(patches, ids, training: true);
        // A tenth of the way, then a tenth of what is left.
        Assert.All(once.Zip(Mean()), pair => Assert.Equal(1.9 * pair.First, pair.Second, 1e-5));
        Assert.Contains(once, value => Math.Abs(value) > 1e-3);
    }

    private static Tensor Patches(int count) =>
        Tensor.From(SyntheticTask.Normal(Clips * count * PatchSize, new RandomStream(5, RandomPurpose.Crop), 1), Clips, count, PatchSize);

    private static Tensor Ids(int[] ids) => Tensor.From([.. Enumerable.Range(0, Clips).SelectMany(_ => ids.Select(id => (long)id))], Clips, ids.Length);
}

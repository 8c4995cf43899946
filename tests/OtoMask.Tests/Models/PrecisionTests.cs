using OtoMask.Configuration;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Tests.Pretraining;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Models;

/// <summary>Precision <c>auto</c>: the faster one by measurement, once a run, without a trace in what the run computes.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class PrecisionTests
{
    [Theory]
    [InlineData(0.02, 0.01, Precision.Bf16, "precision auto: bf16, 2.0 x as fast as fp32 (100 against 50 clips/s)")]
    [InlineData(0.2, 0.3, Precision.Fp32, "precision auto: fp32, 1.5 x as fast as bf16 (5.0 against 3.3 clips/s)")]
    public void The_faster_one_is_chosen_and_told(double fp32, double bf16, Precision expected, string line)
    {
        var choice = PrecisionChoice.Measure(batch: 4, (precision, clips) => clips * (precision == Precision.Fp32 ? fp32 : bf16));
        Assert.Equal((expected, line), (choice.Faster, choice.ToString()));
    }

    [Theory]
    [InlineData(6, new[] { 1, 1, 2, 4, 6, 6, 6 })] // one clip to warm up, then as many as memory and kernels meet in the run
    [InlineData(1, new[] { 1, 1, 1, 1 })]
    [InlineData(1000, new[] { 1, 1, 2, 4 })] // larger ones would go beyond 5 s
    public void Batches_grow_to_the_real_one_within_a_few_seconds(int batch, int[] expected)
    {
        var sizes = new List<int>();
        PrecisionChoice.Measure(batch, (precision, clips) =>
        {
            if (precision == Precision.Fp32)
                sizes.Add(clips);
            return batch == 1000 ? 0.3 * clips : 0.001;
        });
        Assert.Equal(expected, sizes);
    }

    [Fact]
    public void Only_the_largest_batch_decides()
    {
        var choice = PrecisionChoice.Measure(batch: 8, (precision, clips) => precision == Precision.Fp32 ? 0.001 * clips : clips < 8 ? 1e-6 : 0.1);
        Assert.Equal(Precision.Fp32, choice.Faster);
    }

    [Theory]
    [InlineData("m2d", "dwm")]
    [InlineData("msm-mae", "sgim")]
    [InlineData("eat", "dwm")]
    public void A_run_equals_one_with_the_chosen_precision_and_resumes_without_measuring(string frameworkName, string mask)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Framework = framework, Mask = mask, Precision = Precision.Auto };
        RecordingObserver first = new(), second = new();
        RunFolder run = data.Train("auto", config, stopAt: 2, first);
        Precision chosen = Assert.Single(first.Choices).Faster;
        Assert.Equal(chosen, Checkpoint.Read(run.Path).State.ParsedConfig.Precision);

        TrainingFolder.Resume(run, second);
        Assert.Empty(second.Choices);
        RunFolder given = data.Train("given", config with { Precision = chosen });
        Assert.All(SafetensorsFile.Read(given.LatestCheckpoint).Tensors, tensor =>
            Assert.True(tensor.Value.Data.AsSpan().SequenceEqual(SafetensorsFile.Read(run.LatestCheckpoint).Tensors[tensor.Key].Data), $"{tensor.Key} differs"));
    }

    [Fact]
    public void Measuring_leaves_the_model_as_it_is()
    {
        using var data = new TrainingFolder();
        using MaskedModel model = KnownFrameworks.M2d.CreateModel(data.Config.ModelShape, seed: 1, Device.Cpu);
        float[] trained = model.Trained.Values.ToArray<float>(), following = model.Following.Values.ToArray<float>();
        PrecisionChoice choice = PrecisionChoice.Measure(model, data.Config.Batch, data.Config.VisiblePatches, data.Config.Clones);
        Assert.All([choice.Fp32, choice.Bf16], speed => Assert.InRange(speed, 1, 1e6));
        Assert.Equal(trained, model.Trained.Values.ToArray<float>());
        Assert.Equal(following, model.Following.Values.ToArray<float>());
        Assert.All(model.Trained.Gradients.ToArray<float>(), gradient => Assert.Equal(0, gradient));
    }

    [Fact]
    public void Auto_itself_computes_nothing() => Assert.Throws<ArgumentException>(() => Precision.Auto.On(Device.Cpu));
}

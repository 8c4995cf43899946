using System.Text.Json.Nodes;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Torch;

namespace OtoMask.Tests.Pretraining;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class TrainerTests
{
    private static readonly string[] DeterministicFields = ["kind", "step", "epoch", "loss", "lr", "hint", "ema", "grad_norm", "applied"];

    [Theory]
    [InlineData(Framework.M2d, "dwm", 1, Precision.Fp32)]
    [InlineData(Framework.MsmMae, "random", 2, Precision.Bf16)]
    [InlineData(Framework.M2d, "sgim", 1, Precision.Fp32)]
    public void A_run_stopped_and_resumed_equals_one_that_was_not(Framework framework, string mask, int accumulate, Precision precision)
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Framework = framework, Mask = mask, Accumulate = accumulate, Precision = precision, Moments = precision };
        RunFolder straight = data.Train("straight", config), stopped = data.Train("stopped", config, stopAt: 2);
        Assert.NotEqual(straight.LatestCheckpoint[^30..], stopped.LatestCheckpoint[^30..]);
        TrainingFolder.Resume(stopped);
        AssertSameRun(straight, stopped);
    }

    [Fact]
    public void A_run_may_go_on_with_checkpointed_activations_and_ends_the_same()
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Encoder = new BlockShape(16, 3, 2), Decoder = new BlockShape(16, 2, 2), Accumulate = 2, Precision = Precision.Bf16 };
        RunFolder straight = data.Train("straight", config), stopped = data.Train("stopped", config, stopAt: 2);
        TrainingFolder.Resume(stopped, checkpointActivations: true);
        AssertSameRun(straight, stopped);
        Assert.True(Checkpoint.Read(stopped.Path).State.ParsedConfig.CheckpointActivations);
    }

    [Fact]
    public void A_run_learns_and_leaves_a_whole_folder()
    {
        using var data = new TrainingFolder();
        var observer = new RecordingObserver();
        RunFolder run = data.Train("run", data.Config with { Framework = Framework.MsmMae, Epochs = 40, BaseLearningRate = 0.3 }, observer: observer);
        Assert.Equal(120, observer.Steps.Count);
        Assert.True(observer.Steps[^5..].Average(step => step.Loss) < 0.9 * observer.Steps[..5].Average(step => step.Loss), "the loss did not fall");
        Assert.Equal(120, observer.Estimated!.Steps);
        Assert.Equal(3, run.Checkpoints.Count); // keep-last
        Assert.Equal(120, File.ReadLines(run.Log).Count());
        Assert.Single(Directory.GetFiles(run.Path, "events.out.tfevents.*"));
        Assert.Empty(Directory.GetFiles(run.Path, "*.tmp*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Learning_rate_hint_and_ema_follow_their_schedules_over_the_run()
    {
        using var data = new TrainingFolder();
        var observer = new RecordingObserver();
        PretrainingConfig config = data.Config with { Epochs = 10, Warmup = 0.2 };
        data.Train("run", config, observer: observer);
        StepRecord first = observer.Steps[0], last = observer.Steps[^1];
        Assert.Equal(0, first.LearningRate);
        Assert.Equal(config.PeakLearningRate, observer.Steps.Max(step => step.LearningRate), 1e-12);
        Assert.True(last.LearningRate < 0.02 * config.PeakLearningRate);
        Assert.Equal(1, first.Hint);
        Assert.Equal(1 - Math.Pow(29.0 / 30, 2), last.Hint, 1e-12);
        Assert.Equal(config.EmaStart, first.Ema);
        Assert.Equal(config.EmaEnd, last.Ema!.Value, 1e-12);
    }

    [Fact]
    public void Timing_a_few_steps_changes_nothing()
    {
        using var data = new TrainingFolder();
        using TrainingSetup setup = TrainingSetup.Begin(data.Config, new RecordingObserver());
        using MaskedModel fresh = MaskedModel.Create(setup.Config.Framework, setup.Config.ModelShape, setup.Config.Seed, Device.Cpu);
        Assert.Equal(fresh.Trained.Values.ToArray<float>(), setup.Model.Trained.Values.ToArray<float>());
        Assert.Equal(fresh.Following.Values.ToArray<float>(), setup.Model.Following.Values.ToArray<float>());
        Assert.All(setup.Model.Trained.Gradients.ToArray<float>(), gradient => Assert.Equal(0, gradient));
    }

    [Fact]
    public void Losses_that_are_not_finite_stop_the_run_and_name_the_last_good_checkpoint()
    {
        using var data = new TrainingFolder();
        var observer = new RecordingObserver();
        RunFolder run = data.NewRun("run");
        using TrainingSetup setup = TrainingSetup.Begin(data.Config, observer);
        using var trainer = new Trainer(run, setup, observer);
        setup.Model.Trained.Values.Memory()[0] = float.NaN;
        var error = Assert.Throws<TrainingDivergedException>(() => trainer.Run(null, []));
        Assert.Contains("step-000000000", error.Message);
        Assert.Equal(5, observer.Warnings.Count);
        Assert.All(observer.Steps, step => Assert.False(step.Applied));
    }

    [Fact]
    public void Minutes_become_steps_of_the_resolved_configuration()
    {
        using var data = new TrainingFolder();
        using TrainingSetup setup = TrainingSetup.Begin(data.Config with { Epochs = null, Minutes = 0.01 }, new RecordingObserver());
        Assert.Null(setup.Config.Minutes);
        Assert.Equal(setup.TotalSteps, setup.Config.Steps);
        Assert.True(setup.TotalSteps >= 1);
    }

    [Fact]
    public void A_run_is_not_overwritten_nor_resumed_on_other_data()
    {
        using var data = new TrainingFolder();
        RunFolder run = data.Train("run", data.Config, stopAt: 1);
        Assert.Contains("holds a run already", Assert.Throws<UserErrorException>(run.Create).Message);
        File.Delete(Directory.GetFiles(data.Audio).Order().First());
        Assert.Contains("has changed", Assert.Throws<UserErrorException>(() => TrainingFolder.Resume(run)).Message);
    }

    [Fact]
    public void A_damaged_checkpoint_is_refused()
    {
        using var data = new TrainingFolder();
        RunFolder run = data.Train("run", data.Config, stopAt: 1);
        byte[] bytes = File.ReadAllBytes(run.LatestCheckpoint);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(run.LatestCheckpoint, bytes);
        Assert.Contains(run.LatestCheckpoint, Assert.Throws<UserErrorException>(() => Checkpoint.Read(run.Path)).Message);
    }

    private static void AssertSameRun(RunFolder one, RunFolder other)
    {
        SafetensorsContent expected = SafetensorsFile.Read(one.LatestCheckpoint), actual = SafetensorsFile.Read(other.LatestCheckpoint);
        Assert.Equal(expected.Tensors.Keys.Order(), actual.Tensors.Keys.Order());
        foreach ((string name, HostTensor tensor) in expected.Tensors)
            Assert.True(tensor.Data.AsSpan().SequenceEqual(actual.Tensors[name].Data), $"{name} differs");
        Assert.Equal(DeterministicRows(one), DeterministicRows(other));
    }

    private static string[] DeterministicRows(RunFolder run) =>
    [
        .. File.ReadLines(run.Log).Select(line => JsonNode.Parse(line)!).Select(row => string.Join(" ", DeterministicFields.Select(field => $"{field}={row[field]}"))),
    ];
}

using OtoMask.Configuration;
using OtoMask.FineTuning;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.FineTuning;
using OtoMask.Tests.Pretraining;
using OtoMask.Torch;

namespace OtoMask.Tests.Devices;

/// <summary>Training on a device that is not the processor: it waits once a step, behind it, and computes what it computes on the processor.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class DeviceTrainingTests
{
    public static TheoryData<string, string, int> Runs => new()
    {
        { "m2d", "dwm", 1 },
        { "msm-mae", "random", 2 },
        { "m2d", "sgim", 1 },
        { "eat", "dwm", 1 },
        { "msm-mae", "sgim-spectral", 2 },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_step_waits_for_the_device_once_and_that_behind_it(string framework, string mask, int accumulate)
    {
        using var data = new TrainingFolder();
        List<Traffic> told = [];
        var observer = new RecordingObserver { OnStep = _ => told.Add(PretendedDevice.Traffic) };
        data.Train("run", Config(data, framework, mask, accumulate) with { CheckpointEvery = 100, Epochs = 4 * accumulate }, observer: observer);
        Assert.Equal(12, told.Count);
        Traffic[] steps = [.. told.Zip(told.Skip(1), (before, now) => now - before)];
        Assert.All(steps, step => Assert.Equal((1, 1), (step.Waits, step.ToHost)));
        // What is gathered goes over at once; masks by features ask for the patches first, then for positions and traded places or for ids.
        int mostCopies = accumulate * (mask.StartsWith("sgim", StringComparison.Ordinal) ? 5 : 1);
        Assert.All(steps[..^1], step => Assert.InRange(step.ToDevice, 1, mostCopies));
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW), InlineData(OptimizerKind.Sgd), InlineData(OptimizerKind.Lars)]
    public void Neither_does_one_of_fine_tuning(OptimizerKind optimizer)
    {
        using var folder = new FineTuningFolder();
        List<(long Step, Traffic Traffic)> told = [];
        var observer = new RecordingObserver { OnStep = step => told.Add((step.Step, PretendedDevice.Traffic)) };
        FineTuningConfig config = folder.Config with { Device = PretendedDevice.First.Name, Optimizer = optimizer };
        folder.Train("run", config, observer: observer);
        var within = told.Zip(told.Skip(1)).Where(pair => pair.First.Step % 3 != 0).Select(pair => pair.Second.Traffic - pair.First.Traffic); // no evaluation between
        Assert.NotEmpty(within);
        Assert.All(within, step => Assert.Equal((1, 1), (step.Waits, step.ToHost)));
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void It_learns_what_it_learns_on_the_processor(string framework, string mask, int accumulate)
    {
        using var data = new TrainingFolder();
        RecordingObserver here = new(), there = new();
        PretrainingConfig config = Config(data, framework, mask, accumulate);
        data.Train("here", config with { Device = "cpu" }, observer: here);
        data.Train("there", config, observer: there);
        Assert.Equal(here.Steps.Count, there.Steps.Count);
        Assert.All(here.Steps.Zip(there.Steps), pair =>
        {
            Assert.Equal((pair.First.Step, pair.First.Epoch, pair.First.LearningRate, pair.First.Hint, pair.First.Ema), (pair.Second.Step, pair.Second.Epoch, pair.Second.LearningRate, pair.Second.Hint, pair.Second.Ema));
            Assert.Equal(pair.First.Loss, pair.Second.Loss, 2e-4);
            Assert.Equal(pair.First.GradientNorm!.Value, pair.Second.GradientNorm!.Value, 2e-3);
        });
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_run_stopped_and_resumed_equals_one_that_was_not(string framework, string mask, int accumulate)
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = Config(data, framework, mask, accumulate);
        RunFolder straight = data.Train("straight", config), halves = data.Train("halves", config, stopAt: 2);
        TrainingFolder.Resume(halves);
        SameRun.AssertSame(straight, halves);
    }

    [Fact]
    public void A_fine_tuning_stopped_and_resumed_equals_one_that_was_not()
    {
        using var folder = new FineTuningFolder();
        FineTuningConfig config = folder.Config with { Device = PretendedDevice.First.Name };
        (RunFolder straight, FineTuningResult? result) = folder.Train("straight", config);
        RunFolder halves = folder.Train("halves", config, stopAt: 2).Folder;
        Assert.Equal(result!.Score, FineTuningFolder.Resume(halves).Score);
        FineTuningFolder.AssertSameRun(straight, halves);
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public void A_step_whose_loss_or_gradient_is_not_finite_is_skipped_and_told_and_the_run_goes_on(bool inLoss)
    {
        using var data = new TrainingFolder();
        RunFolder run = data.NewRun("run");
        TrainingSetup setup = null!;
        float healthy = 0;
        var observer = new RecordingObserver
        {
            OnStep = step =>
            {
                // Step 4 is told when step 5 has been asked for, so that it is step 6 that meets what is poisoned now.
                using var scope = new TensorScope();
                Tensor poisoned = (inLoss ? setup.Model.Trained.Values : setup.Model.Trained.Gradients).Narrow(0, 0, 1);
                if (step.Step == 4)
                {
                    healthy = poisoned.ToArray<float>()[0];
                    poisoned.CopyFrom(Tensor.From([float.NaN], 1));
                }
                else if (step.Step == 5 && inLoss)
                {
                    poisoned.CopyFrom(Tensor.From([healthy], 1));
                }
            },
        };
        using (setup = TrainingSetup.Begin(Config(data, "m2d", "dwm", 1) with { CheckpointEvery = 4 }, observer))
        using (var trainer = new Trainer(run, setup, observer))
            Assert.Equal(TrainingEnd.Finished, trainer.Run(null, []));

        NonFiniteStepTests.AssertOneIsSkipped(6, inLoss, observer, run);
    }

    [Fact]
    public void Five_in_a_row_stop_the_run_and_name_the_last_good_checkpoint()
    {
        using var data = new TrainingFolder();
        RunFolder run = data.NewRun("run");
        TrainingSetup setup = null!;
        var observer = new RecordingObserver
        {
            OnStep = step =>
            {
                using var scope = new TensorScope();
                if (step.Step == 4)
                    setup.Model.Trained.Values.Narrow(0, 0, 1).CopyFrom(Tensor.From([float.NaN], 1));
            },
        };
        using (setup = TrainingSetup.Begin(Config(data, "m2d", "dwm", 1), observer))
        using (var trainer = new Trainer(run, setup, observer))
        {
            var error = Assert.Throws<TrainingDivergedException>(() => trainer.Run(null, []));
            Assert.Contains($"stopped at step 10: 5 steps in a row were not finite; the last good checkpoint is {run.CheckpointOf(3)}", error.Message);
            Assert.Equal(10, trainer.StepsDone);
        }
        Assert.Equal(run.CheckpointOf(3), run.LatestCheckpoint);
    }

    [Fact]
    public void Bfloat16_where_libtorch_has_none_of_it_is_refused_and_auto_takes_float32()
    {
        if (TorchRuntime.HasAutocast(PretendedDevice.First))
            return; // a later libtorch, and a device that says how
        using var data = new TrainingFolder();
        PretrainingConfig config = Config(data, "m2d", "dwm", 1);
        Assert.Contains("use fp32", Assert.Throws<UserErrorException>(() => data.Train("bf16", config with { Precision = Precision.Bf16 })).Message);
        using TrainingSetup setup = TrainingSetup.Begin(config with { Precision = Precision.Auto }, new RecordingObserver());
        Assert.Equal(Precision.Fp32, setup.Config.Precision);
    }

    [Fact]
    public void Tf32_is_of_other_devices_than_the_processor_and_keeps_to_the_step()
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = Config(data, "m2d", "dwm", 1) with { Precision = Precision.Tf32 };
        Assert.Contains("tf32 is of GPUs", Assert.Throws<UserErrorException>(() => (config with { Device = "cpu" }).Validate()).Message);
        Assert.Contains("tf32 is of GPUs", Assert.Throws<UserErrorException>(() => new FineTuningConfig { Checkpoint = "x", Task = "y", Precision = Precision.Tf32 }.Validate()).Message);
        // A device without tensor cores computes what it computes in float32.
        SameRun.AssertSame(data.Train("fp32", config with { Precision = Precision.Fp32 }), data.Train("tf32", config));
    }

    private static PretrainingConfig Config(TrainingFolder data, string framework, string mask, int accumulate) => data.Config with
    {
        Framework = KnownFrameworks.Find(framework),
        Mask = mask,
        Accumulate = accumulate,
        Device = PretendedDevice.First.Name,
        Precision = Precision.Fp32,
    };
}

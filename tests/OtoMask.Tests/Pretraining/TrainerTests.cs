using OtoMask.Configuration;
using OtoMask.Interop;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Pretraining;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class TrainerTests
{
    [Theory]
    [InlineData("m2d", "dwm", 1, Precision.Fp32)]
    [InlineData("msm-mae", "random", 2, Precision.Bf16)]
    [InlineData("m2d", "sgim", 1, Precision.Fp32)]
    [InlineData("eat", "dwm", 2, Precision.Fp32)]
    [InlineData("eat", "sgim", 1, Precision.Bf16)]
    public void A_run_stopped_and_resumed_equals_one_that_was_not(string frameworkName, string mask, int accumulate, Precision precision)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Framework = framework, Mask = mask, Accumulate = accumulate, Precision = precision, Moments = precision, Gradients = precision };
        RunFolder straight = data.Train("straight", config), stopped = data.Train("stopped", config, stopAt: 2);
        Assert.NotEqual(straight.LatestCheckpoint[^30..], stopped.LatestCheckpoint[^30..]);
        TrainingFolder.Resume(stopped);
        SameRun.AssertSame(straight, stopped);
    }

    [Fact]
    public void A_clip_far_outside_all_others_stays_left_out_of_a_run_that_goes_on()
    {
        using var data = new TrainingFolder();
        NpyFile.Write(Path.Combine(data.Audio, "far.npy"), [.. Enumerable.Repeat(700f, 80 * 200)], 80, 200);
        PretrainingConfig config = data.Config with { Noise = data.Audio };
        RunFolder straight = data.Train("straight", config), stopped = data.Train("stopped", config, stopAt: 5);
        TrainingFolder.Resume(stopped);

        SameRun.AssertSame(straight, stopped);
        Assert.Equal("far.npy", Assert.Single(Checkpoint.Read(stopped.Path).State.LeftOut!).Name);
        Assert.Equal("far.npy", Assert.Single(Checkpoint.Read(stopped.Path).State.Noise!.LeftOut!).Name);
        Assert.Matches("far.npy,\"?its log-mel lies far outside all others", File.ReadAllText(stopped.BadFiles));
        Assert.Equal(File.ReadAllText(straight.BadFiles), File.ReadAllText(stopped.BadFiles));
    }

    [Theory]
    [InlineData("m2d"), InlineData("eat")]
    public void A_run_may_go_on_with_checkpointed_activations_and_ends_the_same(string framework)
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Framework = KnownFrameworks.Find(framework), Encoder = new BlockShape(16, 3, 2), Decoder = new BlockShape(16, 2, 2), Accumulate = 2, Precision = Precision.Bf16, Gradients = Precision.Bf16 };
        RunFolder straight = data.Train("straight", config), stopped = data.Train("stopped", config, stopAt: 2);
        TrainingFolder.Resume(stopped, checkpointActivations: true);
        SameRun.AssertSame(straight, stopped);
        Assert.True(Checkpoint.Read(stopped.Path).State.ParsedConfig.CheckpointActivations);
    }

    [Theory]
    [InlineData("m2d", 1)]
    [InlineData("msm-mae", 2)]
    [InlineData("eat", 2)]
    public void Gradients_in_bfloat16_train_as_those_in_float32_but_for_their_rounding(string frameworkName, int accumulate)
    {
        Framework framework = KnownFrameworks.Find(frameworkName);
        using var data = new TrainingFolder();
        double[] Losses(Precision gradients)
        {
            var observer = new RecordingObserver();
            data.Train($"{gradients}", data.Config with { Framework = framework, Accumulate = accumulate, Gradients = gradients, Epochs = 20, BaseLearningRate = 0.3 }, observer: observer);
            return [.. observer.Steps.Select(step => step.Loss)];
        }
        double[] wide = Losses(Precision.Fp32), narrow = Losses(Precision.Bf16);
        Assert.Equal(wide.Length, narrow.Length);
        Assert.Equal(wide[0], narrow[0]); // before any gradient
        double largest = wide.Zip(narrow, (a, b) => Math.Abs(a - b) / a).Max();
        Assert.InRange(largest, double.Epsilon, 1e-3); // gradients of 8 bits, each off in a direction of its own
        Assert.True(wide[^5..].Average() < 0.95 * wide[..5].Average(), "the loss did not fall, so the curves show little");
    }

    [Fact]
    public void A_run_learns_and_leaves_a_whole_folder()
    {
        using var data = new TrainingFolder();
        var observer = new RecordingObserver();
        RunFolder run = data.Train("run", data.Config with { Framework = KnownFrameworks.MsmMae, Epochs = 40, BaseLearningRate = 0.3 }, observer: observer);
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
        Assert.Equal(1 - Math.Pow(29.0 / 30, 2), last.Hint!.Value, 1e-12);
        Assert.Equal(config.EmaStart, first.Ema);
        Assert.Equal(config.EmaEnd, last.Ema!.Value, 1e-12);
    }

    [Fact]
    public void A_moving_average_may_settle_before_the_run_ends()
    {
        using var data = new TrainingFolder();
        var observer = new RecordingObserver();
        data.Train("run", data.Config with { Framework = KnownFrameworks.Eat, Clones = 2, Epochs = null, Steps = 21 }, observer: observer);
        Assert.Equal((0.9998, 21), (observer.Steps[0].Ema, observer.Steps.Count));
        Assert.Equal((0.9998 + 0.99999) / 2, observer.Steps[2].Ema!.Value + (observer.Steps[3].Ema!.Value - observer.Steps[2].Ema!.Value) / 2, 1e-9); // of 20 moves the first five
        Assert.All(observer.Steps.Skip(5), step => Assert.Equal(0.99999, step.Ema!.Value, 1e-12));
        Assert.All(observer.Steps, step => Assert.Equal(step.Loss, step.Parts[0].Value + 192 * step.Parts[1].Value, 1e-4 * step.Loss));
    }

    [Theory, InlineData("inverse-block"), InlineData("block")]
    public void Blocks_are_random_until_the_hint_schedule_starts_and_themselves_after(string mask)
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Framework = KnownFrameworks.MsmMae, Input = "80x128", Patch = "16x8", Epochs = null, Steps = 12, Hint = new HintSchedule { Start = 0.25 } };
        IReadOnlyList<StepRecord> Steps(string name)
        {
            var observer = new RecordingObserver();
            data.Train(name, config with { Mask = name }, observer: observer);
            return observer.Steps;
        }

        IReadOnlyList<StepRecord> random = Steps("random"), blocks = Steps(mask), fromStart = Steps($"{mask}-from-start");
        Assert.Equal([1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], blocks.Select(step => step.Hint!.Value));
        Assert.All(fromStart, step => Assert.Equal(0, step.Hint));
        Assert.Equal(random.Take(3).Select(step => step.Loss), blocks.Take(3).Select(step => step.Loss));
        Assert.NotEqual(random[3].Loss, blocks[3].Loss);
        Assert.NotEqual(random[0].Loss, fromStart[0].Loss);
    }

    [Fact]
    public void Timing_a_few_steps_changes_nothing()
    {
        using var data = new TrainingFolder();
        using TrainingSetup setup = TrainingSetup.Begin(data.Config, new RecordingObserver());
        using MaskedModel fresh = setup.Config.Framework.CreateModel(setup.Config.ModelShape, setup.Config.Seed, Device.Cpu);
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
        string message = Assert.Throws<UserErrorException>(() => TrainingFolder.Resume(run)).Message;
        Assert.Matches("^list of clips .* [0-9a-f]{12} -> [0-9a-f]{12}, number of clips 12 -> 11$", message);
    }

    [Fact]
    public void Checkpoints_of_every_so_many_epochs_stay_for_ever_beside_the_newest()
    {
        using var data = new TrainingFolder();
        long[] Kept(RunFolder run) => [.. run.Checkpoints.Select(path => Checkpoint.Read(path).State.Step)];
        PretrainingConfig config = data.Config with { Epochs = 9, KeepLast = 2 };
        Assert.Equal([6, 12, 18, 24, 27], Kept(data.Train("every epoch", config with { KeepEvery = 2 })));
        // A checkpoint is also written for their sake.
        Assert.Equal([9, 18, 27], Kept(data.Train("seldom", config with { CheckpointEvery = 100, KeepEvery = 3 })));
    }

    [Fact]
    public void A_checkpoint_tells_which_program_and_which_data_made_it()
    {
        using var data = new TrainingFolder();
        CheckpointState state = Checkpoint.Read(data.Train("run", data.Config, stopAt: 1).Path).State;
        Assert.Matches(@"^\d+\.\d+\.\d+", state.Program);
        Assert.Equal((12, 64), (state.Clips, state.ManifestHash.Length));
        Assert.Equal("4", state.Config["batch"]);
    }
}

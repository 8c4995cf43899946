using OtoMask.Configuration;
using OtoMask.Distributed;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Distributed;

/// <summary>Processes that share every batch train what one does.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class GroupTrainingTests : IDisposable
{
    private readonly TrainingFolder data = new();

    public void Dispose() => data.Dispose();

    [Theory]
    [InlineData(2, "m2d", "dwm")]
    [InlineData(3, "m2d", "random")]
    [InlineData(2, "msm-mae", "inverse-block")]
    [InlineData(3, "msm-mae", "block")]
    [InlineData(2, "m2d", "sgim")]
    [InlineData(3, "msm-mae", "sgim")]
    [InlineData(2, "m2d", "structured")]
    [InlineData(2, "eat", "inverse-block")]
    public void For_200_steps_the_losses_are_those_of_one_process(int size, string framework, string mask) =>
        AssertSameLosses(size, data.Config with { Framework = KnownFrameworks.Find(framework), Mask = mask, Epochs = null, Steps = 200, BaseLearningRate = 0.01 }, first: 1e-6, all: 1e-3);

    [Fact]
    public void So_they_are_with_all_that_makes_a_step_cheaper_or_larger() => AssertSameLosses(
        3, data.Config with { Accumulate = 2, CheckpointActivations = true, Noise = data.Audio, Decoder = new BlockShape(16, 3, 2), Encoder = new BlockShape(16, 3, 2) }, first: 1e-6, all: 1e-4);

    [Theory]
    [InlineData("fp32", "bf16")]
    [InlineData("bf16", "fp32")]
    [InlineData("bf16", "bf16")]
    public void With_bfloat16_they_are_to_its_rounding(string precision, string gradients)
    {
        PretrainingConfig config = ConfigFile.Parse($"precision: {precision}\ngradients: {gradients}", "a test", data.Config);
        AssertSameLosses(2, config, first: 1e-3, all: 2e-2);
    }

    [Fact]
    public void The_same_number_of_processes_computes_the_same_bits_twice() => SameRun.AssertSame(Train("one", 3, data.Config), Train("another", 3, data.Config));

    [Theory]
    [InlineData(3, 2)]
    [InlineData(2, 1)]
    [InlineData(1, 3)]
    public void What_some_have_begun_others_go_on_with(int before, int after)
    {
        RunFolder whole = Train("whole", 1, data.Config), run = Train("run", before, data.Config, stopAt: 2);
        Resume(run, after);
        Ranks.AssertLosses(whole, run, first: 1e-6, all: 1e-4);
        Assert.Equal(whole.Checkpoints.Select(Path.GetFileName), run.Checkpoints.Select(Path.GetFileName));
    }

    [Fact]
    public void And_as_many_as_before_go_on_to_the_bit()
    {
        RunFolder whole = Train("whole", 2, data.Config), run = Train("run", 2, data.Config, stopAt: 2);
        Resume(run, 2);
        SameRun.AssertSame(whole, run);
    }

    [Fact]
    public void Bad_clips_make_one_list_whoever_finds_them()
    {
        for (int i = 0; i < 4; i++)
            File.WriteAllText(Path.Combine(data.Audio, $"broken{i}.wav"), "no audio");
        RunFolder alone = Train("alone", 1, data.Config), run = Train("run", 3, data.Config);
        Assert.Equal(File.ReadAllText(alone.BadFiles), File.ReadAllText(run.BadFiles));
        Ranks.AssertLosses(alone, run, first: 1e-6, all: 1e-4);
    }

    [Fact]
    public void A_loss_that_is_no_number_in_one_of_them_skips_the_step_in_all()
    {
        RunFolder folder = new(Path.Combine(data.Path, "run"));
        bool[][] applied = Ranks.Together(3, group =>
        {
            PretrainingRun run = null!;
            float healthy = 0;
            var observer = new RecordingObserver
            {
                OnStep = step =>
                {
                    Span<float> weights = run.Setup.Model.Trained.Values.Memory();
                    if (group.Rank == 1 && step.Step == 4)
                        (healthy, weights[0]) = (weights[0], float.NaN);
                    else if (group.Rank == 1 && step.Step == 5)
                        weights[0] = healthy;
                },
            };
            using (run = PretrainingRun.Begin(folder.Path, data.Config, observer, group: group))
                Assert.Equal(TrainingEnd.Finished, run.Train());
            return observer.Steps.Select(step => step.Applied).ToArray();
        });
        Assert.All(applied, steps => Assert.Equal([5], steps.Select((taken, i) => (taken, i)).Where(step => !step.taken).Select(step => step.i + 1)));
    }

    [Fact]
    public void The_log_tells_how_many_shared_a_step_and_how_long_they_waited()
    {
        RunFolder run = Train("run", 2, data.Config), alone = Train("alone", 1, data.Config);
        Assert.All(RunLog.Read(run.Log).Steps, step => Assert.True(step is { Processes: 2, ExchangeWait: >= 0 and < 1 }));
        Assert.All(RunLog.Read(alone.Log).Steps, step => Assert.True(step is { Processes: null, ExchangeWait: null }));
        Assert.DoesNotContain("processes", File.ReadAllText(alone.Log));
    }

    [Fact]
    public void What_is_measured_is_measured_once_for_all()
    {
        RunFolder run = Train("run", 2, data.Config with { Epochs = null, Minutes = 0.005, Precision = Precision.Auto });
        PretrainingConfig resolved = ConfigFile.Read(run.Config);
        Assert.NotNull(resolved.Steps);
        Assert.NotEqual(Precision.Auto, resolved.Precision);
        Assert.Equal(resolved.Steps, RunLog.Read(run.Log).Steps[^1].Step);
    }

    [Fact]
    public void Other_data_or_another_configuration_is_refused()
    {
        string Refused(Func<TrainingGroup, PretrainingConfig> config) => Ranks.Refusal(2, group =>
        {
            using PretrainingRun run = PretrainingRun.Begin(Path.Combine(data.Path, "run"), config(group), group: group);
        });

        Assert.Contains("rank 1 has another configuration than rank 0 (seed: 3", Refused(group => data.Config with { Seed = group.Rank == 1 ? 3UL : 2 }));
        using var other = new TrainingFolder(clips: 13);
        Assert.Contains("rank 1 has another list of clips than rank 0 (13 clips", Refused(group => group.Rank == 1 ? data.Config with { Data = other.Audio } : data.Config));
        Assert.Contains("`batch` of 4", Ranks.Refusal(5, group =>
        {
            using PretrainingRun run = PretrainingRun.Begin(Path.Combine(data.Path, "run"), data.Config, group: group);
        }));
        Assert.False(Directory.Exists(Path.Combine(data.Path, "run")));
    }

    private void AssertSameLosses(int size, PretrainingConfig config, double first, double all) => Ranks.AssertLosses(Train("alone", 1, config), Train("run", size, config), first, all);

    private RunFolder Train(string name, int size, PretrainingConfig config, int? stopAt = null)
    {
        string path = Path.Combine(data.Path, name);
        Run(size, group => PretrainingRun.Begin(path, config, group: group), stopAt);
        return new RunFolder(path);
    }

    private static void Resume(RunFolder folder, int size) => Run(size, group => PretrainingRun.Resume(folder.Path, group: group), stopAt: null);

    private static void Run(int size, Func<TrainingGroup, PretrainingRun> open, int? stopAt)
    {
        void Train(TrainingGroup group)
        {
            using PretrainingRun run = open(group);
            Assert.Equal(stopAt is null ? TrainingEnd.Finished : TrainingEnd.Stopped, run.Train(stopAt));
        }

        if (size == 1)
            Train(TrainingGroup.Alone);
        else
            Ranks.Together(size, Train);
    }
}

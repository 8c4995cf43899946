using OtoMask.Distributed;
using OtoMask.FineTuning;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Tests.FineTuning;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Distributed;

/// <summary>Processes that share every batch fine-tune what one does, although the head normalises by the whole batch and mixup mixes clips of different processes.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class GroupFineTuningTests : IDisposable
{
    private readonly FineTuningFolder data = new();

    public void Dispose() => data.Dispose();

    [Theory]
    [InlineData(2, OptimizerKind.Sgd, 0.3)]
    [InlineData(3, OptimizerKind.AdamW, 0.3)]
    [InlineData(3, OptimizerKind.Lars, 0.0)]
    public void Losses_and_scores_are_those_of_one_process(int size, OptimizerKind optimizer, double patchOut)
    {
        FineTuningConfig config = data.Config with { Optimizer = optimizer, PatchOut = patchOut, Epochs = 20, LearningRate = 1e-3 };
        (RunFolder alone, FineTuningResult[] expected) = Train("alone", 1, config);
        (RunFolder run, FineTuningResult[] results) = Train("run", size, config);
        Ranks.AssertLosses(alone, run, first: 1e-6, all: 1e-3);
        Assert.All(results, result => Assert.Equal(expected[0].TestClips, result.TestClips));
        Assert.All(results, result => Assert.Equal(results[0].Logits, result.Logits));
        Assert.All(expected[0].Logits.Zip(results[0].Logits), pair => Assert.Equal(pair.First, pair.Second, 0.05));
    }

    [Fact]
    public void In_bfloat16_they_are_to_its_rounding()
    {
        FineTuningConfig config = data.Config with { Precision = Precision.Bf16 };
        Ranks.AssertLosses(Train("alone", 1, config).Folder, Train("run", 2, config).Folder, first: 1e-3, all: 2e-2);
    }

    [Fact]
    public void The_same_number_of_processes_computes_the_same_bits_and_stopping_changes_none()
    {
        RunFolder whole = Train("whole", 3, data.Config).Folder;
        FineTuningFolder.AssertSameRun(whole, Train("again", 3, data.Config).Folder);
        RunFolder stopped = Train("stopped", 3, data.Config, stopAt: 2).Folder;
        Run(3, group => FineTuningFolder.Resume(stopped, group));
        FineTuningFolder.AssertSameRun(whole, stopped);
    }

    [Theory]
    [InlineData(3, 2)]
    [InlineData(2, 1)]
    [InlineData(1, 3)]
    public void What_some_have_begun_others_go_on_with(int before, int after)
    {
        RunFolder whole = Train("whole", 1, data.Config).Folder, run = Train("run", before, data.Config, stopAt: 2).Folder;
        Run(after, group => FineTuningFolder.Resume(run, group));
        Ranks.AssertLosses(whole, run, first: 1e-6, all: 1e-4);
    }

    [Fact]
    public void Bad_clips_make_one_list_whoever_finds_them()
    {
        foreach (int clip in (int[])[2, 3, 17, 30])
            File.WriteAllText(data.Inside($"{clip}.wav"), "no audio");
        (RunFolder alone, FineTuningResult[] expected) = Train("alone", 1, data.Config);
        (RunFolder run, FineTuningResult[] results) = Train("run", 3, data.Config);
        Assert.Equal(File.ReadAllText(alone.BadFiles), File.ReadAllText(run.BadFiles));
        Assert.All(results, result => Assert.Equal(expected[0].TestClips, result.TestClips));
        Ranks.AssertLosses(alone, run, first: 1e-6, all: 1e-4);
    }

    [Fact]
    public void Another_task_model_or_configuration_is_refused()
    {
        string Refused(Func<TrainingGroup, FineTuningConfig> config) => Ranks.Refusal(2, group =>
        {
            using FineTuningSetup setup = FineTuningFolder.Begin(config(group), group);
        });

        Assert.Contains("rank 1 has another configuration than rank 0 (seed: 3", Refused(group => data.Config with { Seed = group.Rank == 1 ? 3UL : 2 }));
        using var other = new FineTuningFolder();
        other.Mark("label,split", i => $"{(i % 2 == 0 ? "even" : "odd")},{(i < 24 ? "train" : "test")}");
        Assert.Contains("rank 1 has another task than rank 0", Refused(group => group.Rank == 1 ? data.Config with { Task = other.TaskCsv } : data.Config));
        Assert.Contains("`batch` of 7", Ranks.Refusal(8, group =>
        {
            using FineTuningSetup setup = FineTuningFolder.Begin(data.Config, group);
        }));
    }

    private (RunFolder Folder, FineTuningResult[] Results) Train(string name, int size, FineTuningConfig config, int? stopAt = null)
    {
        RunFolder folder = data.NewRun(name);
        folder.Release();
        return (folder, [.. Run(size, group =>
        {
            using FineTuningSetup setup = FineTuningFolder.Begin(config, group);
            using var tuner = new FineTuner(folder, setup, new RecordingObserver());
            return tuner.Run(stopAt) == OtoMask.Pretraining.TrainingEnd.Finished ? tuner.Test() : null;
        }).OfType<FineTuningResult>()]);
    }

    private static T[] Run<T>(int size, Func<TrainingGroup, T> work) => size == 1 ? [work(TrainingGroup.Alone)] : Ranks.Together(size, work);
}

using OtoMask.FineTuning;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.FineTuning;

/// <summary>A loss or a gradient that is not a number, put into fine-tunings of real audio from outside.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class NonFiniteFineTuningTests : IDisposable
{
    private readonly FineTuningFolder data = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_step_whose_loss_or_gradient_is_not_finite_is_logged_changes_nothing_and_the_run_goes_on(bool inLoss)
    {
        RunFolder before = data.NewRun("before"), run = data.NewRun("run");
        Train(before, stopAfter: 4, (_, _) => { });
        float healthy = 0;
        RecordingObserver observer = Train(run, stopAfter: 5, (model, step) =>
        {
            // A poisoned weight makes the next loss NaN; a poisoned gradient, to which the next step adds its own, leaves the loss alone.
            Span<float> poisoned = (inLoss ? model.Trained.Values : model.Trained.Gradients).Memory();
            if (step == 4)
                (healthy, poisoned[0]) = (poisoned[0], float.NaN);
            else if (step == 5 && inLoss)
                poisoned[0] = healthy;
        });

        Assert.Equal((false, inLoss), (observer.Steps[^1].Applied, !double.IsFinite(observer.Steps[^1].Loss)));
        Assert.Contains("step 5: the loss or its gradient is not finite", Assert.Single(observer.Warnings));
        Assert.Contains("step=5 epoch=1", SameRun.Rows(run)[^1]);
        Assert.Contains("applied=false", SameRun.Rows(run)[^1]);
        FineTunedState state = FineTunedCheckpoint.ReadToResume(run.Path).State;
        Assert.Equal((5L, 4L), (state.Step, state.OptimizerSteps));
        AssertSameTensors(before.LatestCheckpoint, run.LatestCheckpoint); // weights, running values, the optimiser's memory

        FineTuningFolder.Resume(run);
        state = FineTunedCheckpoint.ReadToResume(run.Path).State;
        Assert.Equal((12L, 11L), (state.Step, state.OptimizerSteps));
    }

    [Fact]
    public void Five_in_a_row_stop_the_run_name_the_last_good_checkpoint_and_from_there_it_ends_as_ever()
    {
        (RunFolder straight, _) = data.Train("straight", data.Config);
        RunFolder run = data.NewRun("run");
        var error = Assert.Throws<TrainingDivergedException>(() => Train(run, stopAfter: 12, (model, step) =>
        {
            if (step == 4)
                model.Trained.Values.Memory()[0] = float.NaN;
        }));
        Assert.Contains($"stopped at step 9: 5 steps in a row were not finite; the last good checkpoint is {run.CheckpointOf(3)}. Try a smaller `lr`", error.Message);
        Assert.Equal(run.CheckpointOf(3), run.LatestCheckpoint);
        // Epochs 2 and 3 were scored, too, with a model that knows no number; it is not the best whatever it guesses.
        Assert.Equal(1, FineTunedCheckpoint.Read(run.BestCheckpoint).State.Best!.Epoch);

        FineTuningFolder.Resume(run);
        FineTuningFolder.AssertSameRun(straight, run);
    }

    [Fact]
    public void A_run_whose_every_epoch_ends_without_a_number_leaves_no_model_and_says_so()
    {
        using FineTuningSetup setup = FineTuningFolder.Begin(data.Config with { Epochs = 1 });
        setup.Model.Trained.Values.Memory()[0] = float.NaN;
        using var tuner = new FineTuner(data.NewRun("run"), setup, new RecordingObserver());
        Assert.Equal(TrainingEnd.Finished, tuner.Run(null)); // three steps, fewer than would stop it
        Assert.Null(tuner.Best);
        Assert.Contains("no epoch", Assert.Throws<TrainingDivergedException>(tuner.Test).Message);
    }

    public void Dispose() => data.Dispose();

    /// <summary>Trains a new run and stops it after a step; <paramref name="afterStep"/> may change the model.</summary>
    private RecordingObserver Train(RunFolder run, long stopAfter, Action<Classifier, long> afterStep)
    {
        using var cancellation = new CancellationTokenSource();
        using FineTuningSetup setup = FineTuningFolder.Begin(data.Config);
        var observer = new RecordingObserver
        {
            OnStep = step =>
            {
                afterStep(setup.Model, step.Step);
                if (step.Step == stopAfter)
                    cancellation.Cancel();
            },
        };
        using var tuner = new FineTuner(run, setup, observer);
        tuner.Run(null, cancellation.Token);
        return observer;
    }

    private static void AssertSameTensors(string expected, string actual)
    {
        IReadOnlyDictionary<string, HostTensor> tensors = SafetensorsFile.Read(expected).Tensors, same = SafetensorsFile.Read(actual).Tensors;
        Assert.Equal(tensors.Keys, same.Keys);
        Assert.All(tensors, tensor => Assert.True(tensor.Value.Data.AsSpan().SequenceEqual(same[tensor.Key].Data), $"{tensor.Key} differs"));
    }
}

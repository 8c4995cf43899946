using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Pretraining;

/// <summary>A loss or a gradient that is not a number, put into runs on real data from outside.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class NonFiniteStepTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_step_whose_loss_or_gradient_is_not_finite_is_skipped_and_logged_and_the_run_goes_on(bool inLoss)
    {
        using var data = new TrainingFolder();
        RunFolder run = data.NewRun("run");
        TrainingSetup setup = null!;
        float healthy = 0;
        var observer = new RecordingObserver
        {
            OnStep = step =>
            {
                // A poisoned weight makes the next loss NaN; a poisoned gradient, to which the next step adds its own, leaves the loss alone.
                Span<float> poisoned = (inLoss ? setup.Model.Trained.Values : setup.Model.Trained.Gradients).Memory();
                if (step.Step == 4)
                    (healthy, poisoned[0]) = (poisoned[0], float.NaN);
                else if (step.Step == 5 && inLoss)
                    poisoned[0] = healthy;
            },
        };
        using (setup = TrainingSetup.Begin(data.Config, observer))
        using (var trainer = new Trainer(run, setup, observer))
            Assert.Equal(TrainingEnd.Finished, trainer.Run(null, []));

        AssertOneIsSkipped(5, inLoss, observer, run);
        Assert.Contains("applied=false", SameRun.Rows(run)[4]);
    }

    /// <summary>Of twelve steps one was left out and told, and the run went on to an end without a trace of it.</summary>
    internal static void AssertOneIsSkipped(int skipped, bool inLoss, RecordingObserver observer, RunFolder run)
    {
        Assert.Equal([(long)skipped], observer.Steps.Where(step => !step.Applied).Select(step => step.Step));
        Assert.Equal(inLoss, !double.IsFinite(observer.Steps[skipped - 1].Loss));
        Assert.Contains($"step {skipped}: the loss or its gradient is not finite", Assert.Single(observer.Warnings));
        CheckpointState end = Checkpoint.Read(run.Path).State;
        Assert.Equal((12L, 11L), (end.Step, end.OptimizerSteps));
        using MaskedModel model = Checkpoint.Read(run.Path).LoadModel(Device.Cpu);
        Assert.All(model.Trained.Values.ToArray<float>(), weight => Assert.True(float.IsFinite(weight)));
    }

    [Fact]
    public void Five_in_a_row_stop_the_run_name_the_last_good_checkpoint_and_from_there_it_ends_as_ever()
    {
        using var data = new TrainingFolder();
        RunFolder straight = data.Train("straight", data.Config), run = data.NewRun("run");
        TrainingSetup setup = null!;
        var observer = new RecordingObserver
        {
            OnStep = step =>
            {
                if (step.Step == 4)
                    setup.Model.Trained.Values.Memory()[0] = float.NaN;
            },
        };
        using (setup = TrainingSetup.Begin(data.Config, observer))
        using (var trainer = new Trainer(run, setup, observer))
        {
            var error = Assert.Throws<TrainingDivergedException>(() => trainer.Run(null, []));
            Assert.Contains($"stopped at step 9: 5 steps in a row were not finite; the last good checkpoint is {run.CheckpointOf(3)}", error.Message);
        }
        Assert.Equal(run.CheckpointOf(3), run.LatestCheckpoint);

        TrainingFolder.Resume(run);
        SameRun.AssertSame(straight, run);
    }
}

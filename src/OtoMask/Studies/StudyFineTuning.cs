using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.FineTuning;
using OtoMask.Pretraining;
using OtoMask.Runs;

namespace OtoMask.Studies;

/// <summary>Fine-tunes the encoders of a study, each in a run folder of its own, where it goes on if it was stopped.</summary>
internal sealed class StudyFineTuning(StudyPlan plan, StudyFolder folder, ITrainingObserver observer)
{
    // What only says where things lie or what leaves results alone.
    private static readonly string[] SaysNothingOfResults = [FineTuningKeys.Checkpoint, FineTuningKeys.Task, "device", "bf16-by"];

    /// <summary>Trains to the end, and tests the best epoch.</summary>
    /// <param name="encoder">The cell's encoder, which stays as it is.</param>
    /// <param name="cell">The cell.</param>
    /// <param name="task">The task.</param>
    /// <param name="cancellation">Stops with a checkpoint.</param>
    /// <returns>The test score in %.</returns>
    public double Score(EncoderSnapshot encoder, StudyCell cell, StudyTask task, CancellationToken cancellation)
    {
        observer.Stage($"fine-tuning on {task.Name}");
        RunFolder run = folder.FineTuningOf(cell, task);
        FineTuningConfig config = Configure(plan, cell, task);
        var work = new RunInWork(run);
        if (run.Checkpoints.Count == 0)
        {
            run.RequireFree();
            using FineTuningSetup fresh = FineTuningSetup.BeginWith(encoder, config, observer, cancellation);
            return work.Begin(() => Train(run, fresh, cancellation));
        }
        work.Open();
        using FineTuningSetup begun = FineTuningSetup.Resume(FineTunedCheckpoint.ReadToResume(run.Path), config, changes => StudyRunner.RefuseOther(run, changes), observer);
        return work.Train(() => Train(run, begun, cancellation));
    }

    /// <summary>The configuration of a fine-tuning. The seed is the pre-training's, so that arms are paired here, too; the encoder is called by its cell, for a study's folder may move.</summary>
    internal static FineTuningConfig Configure(StudyPlan plan, StudyCell cell, StudyTask task) =>
        plan.Config.ConfigureFineTuning(cell.Seed) with { Checkpoint = cell.Name, Task = task.Task.CsvPath, Seconds = task.Seconds };

    /// <summary>What the results of a fine-tuning depend on, a line each.</summary>
    internal static IEnumerable<string> SettingsOf(FineTuningConfig config) =>
        FineTuningKeys.All.Where(key => !key.ChangesNoResult && !SaysNothingOfResults.Contains(key.Name)).Select(key => $"{key.Name}: {key.Get(config)}");

    private double Train(RunFolder run, FineTuningSetup setup, CancellationToken cancellation)
    {
        ConfigFile.Write(run.Config, setup.Config, FineTuningKeys.All);
        using var tuner = new FineTuner(run, setup, observer);
        if (tuner.Run(stopAt: null, cancellation) != TrainingEnd.Finished)
            throw new OperationCanceledException(cancellation);
        return tuner.Test().Score;
    }
}

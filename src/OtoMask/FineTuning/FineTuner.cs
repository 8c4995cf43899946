using System.Diagnostics;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.FineTuning;

/// <summary>
/// Fine-tunes one model into one run folder, and keeps its best epoch. Everything it computes follows from the configuration and the
/// task, so a run that was stopped and resumed ends with the same weights as one that was not.
/// </summary>
public sealed class FineTuner : IDisposable
{
    private readonly RunFolder folder;
    private readonly FineTuningConfig config;
    private readonly FineTuningSetup setup;
    private readonly ITrainingObserver observer;
    private readonly IOptimizer optimizer;
    private readonly LearningRateSchedule learningRates;
    private readonly ClipScorer scorer;
    private readonly LogWriter log;
    private readonly SkippedSteps skipped;
    private readonly StepTeller teller;
    private long step, told;
    private BestEpoch? best;
    private string? latestCheckpoint;

    /// <summary>Prepares a run, new or resumed; the caller goes on owning <paramref name="setup"/>.</summary>
    /// <param name="folder">Where the run is kept.</param>
    /// <param name="setup">Task, model and the state to begin from.</param>
    /// <param name="observer">Is told what happens.</param>
    public FineTuner(RunFolder folder, FineTuningSetup setup, ITrainingObserver observer)
    {
        (this.folder, this.setup, this.observer, config) = (folder, setup, observer, setup.Config);
        (step, told, best) = (setup.State.Step, setup.State.Step, setup.State.Best);
        optimizer = config.CreateOptimizer(setup.Model.Trained, setup.RateOf);
        setup.From?.LoadOptimizer(setup.Model, optimizer);
        learningRates = new LearningRateSchedule(config.LearningRate, (long)(config.Warmup * TotalSteps), TotalSteps, FineTuningConfig.LastLearningRate);
        scorer = new ClipScorer(setup.Model, setup.Input);
        log = folder.OpenLog(step, isResumed: setup.From is not null, setup.BadFiles, setup.Changes);
        // The best epoch on disk may be one after this checkpoint. The same run comes to it again; another has to find its own.
        if (setup.Changes.Count > 0 && !(File.Exists(folder.BestCheckpoint) && FineTunedCheckpoint.Read(folder.BestCheckpoint).State.Best == best))
            best = null;
        skipped = new SkippedSteps(folder, log, observer, "lr");
        teller = new StepTeller(setup.Model.Device, Report);
    }

    /// <summary>Optimiser steps of the whole run.</summary>
    public long TotalSteps => setup.TotalSteps;

    /// <summary>Optimiser steps done, as far as they are told.</summary>
    public long StepsDone => told;

    /// <summary>The best epoch so far.</summary>
    public BestEpoch? Best => best;

    private int EpochsDone => (int)(step / setup.Batches.StepsPerEpoch);

    private bool HasLostPatience => config.Patience > 0 && EpochsDone - best?.Epoch >= config.Patience;

    private bool IsFinished => step == TotalSteps || HasLostPatience;

    /// <summary>Trains to the end, to the end of epoch <paramref name="stopAt"/>, or until cancelled; then a checkpoint is on disk.</summary>
    /// <param name="stopAt">Epochs after which to stop although the schedule goes on, or null.</param>
    /// <param name="cancellation">Finishes the step in progress, writes a checkpoint and returns.</param>
    /// <exception cref="TrainingDivergedException">Loss or gradients were not finite several times in a row.</exception>
    public TrainingEnd Run(int? stopAt, CancellationToken cancellation = default)
    {
        if (setup.From is null)
            Save();
        using BatchReader<ClassBatch> reader = setup.Batches.Read(step, TotalSteps);
        while (!IsFinished && !cancellation.IsCancellationRequested && !(EpochsDone >= stopAt))
        {
            TakeStep(reader);
            if (step % setup.Batches.StepsPerEpoch == 0)
                EndEpoch();
        }
        teller.TellAll();
        if (latestCheckpoint is null ? setup.State.Step != step : latestCheckpoint != folder.CheckpointOf(step))
            Save(); // cancelled within an epoch
        return IsFinished ? TrainingEnd.Finished : TrainingEnd.Stopped;
    }

    /// <summary>Scores the best epoch on the test clips. In <see cref="FineTuningMode.Strict"/> nothing has looked at them before.</summary>
    /// <exception cref="UserErrorException">No test clip can be read, or the best epoch is gone from the run folder.</exception>
    /// <exception cref="TrainingDivergedException">No epoch ended with a model that gives numbers.</exception>
    public FineTuningResult Test()
    {
        if (best is null)
            throw new TrainingDivergedException("no epoch ended with a loss that is a number, so there is no model. Try a smaller `lr` or `precision` fp32");
        FineTunedCheckpoint checkpoint = FineTunedCheckpoint.Read(folder.BestCheckpoint);
        using Classifier model = checkpoint.LoadModel(setup.Model.Device);
        ClipScores scores = new ClipScorer(model, setup.Input).Score(setup.Clips, setup.Parts.Test, ClipView.FromStart);
        WriteBadFiles();
        return new FineTuningResult(setup.Task, checkpoint.State.Best!, scores.Clips, scores.Logits, 100 * scores.Score);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        teller.Dispose();
        optimizer.Dispose();
        folder.Release();
        log.Dispose(); // last: on a full disk it throws
    }

    private void TakeStep(BatchReader<ClassBatch> reader)
    {
        long begin = Stopwatch.GetTimestamp();
        TimeSpan waitedBefore = reader.Waited;
        ClassBatch batch = reader.Next()!;
        double waited = (reader.Waited - waitedBefore).TotalSeconds, learningRate = learningRates.At(step);
        (long number, int epoch) = (step + 1, EpochsDone);
        StepInFlight taken = Step(batch, learningRate);
        step = number;
        teller.Add(taken, begin, (outcome, total) => new StepRecord(
            number, epoch, outcome.Loss, learningRate, Hint: null, Ema: null, outcome.GradientNorm, outcome.Applied,
            batch.Clips / total, waited / total, batch.MaskMilliseconds));
    }

    /// <summary>Forward, backward, update; where loss or gradient is not finite, nothing changes.</summary>
    private StepInFlight Step(ClassBatch batch, double learningRate)
    {
        using var scope = new TensorScope();
        using IDisposable? products = config.Precision.OfStep();
        Classifier model = setup.Model;
        Tensor[] runningBefore = [.. model.Running.Select(pair => pair.Values.Clone())];
        int clips = batch.Clips, given = batch.Ids.Length / clips;
        Tensor[] sent = Tensor.Send(
            model.Device, HostArray.Of(batch.Patches, clips, given, setup.Input.Geometry.PatchSize), HostArray.Of(batch.Ids, clips, given), HostArray.Of(batch.Targets, clips, model.Classes));
        (Tensor patches, Tensor ids, Tensor targets) = (sent[0], sent[1], sent[2]);
        Tensor logits;
        using (IDisposable? autocast = config.Precision.On(model.Device, config.Bf16By))
            logits = model.Logits(patches, ids, training: true);
        Tensor loss = Classifier.Loss(logits, targets, setup.Task.IsMultiLabel);
        // Elsewhere nobody waits to know whether it is finite: what it adds to the gradients is thrown away with them.
        bool differentiates = !model.Device.IsCpu || double.IsFinite(loss.Item());
        if (differentiates)
            loss.Backward();
        Tensor norm = differentiates ? model.Trained.Gradients.Norm() : loss * double.NaN;
        StepGate gate = StepGate.Of([loss], [], norm, double.PositiveInfinity);
        optimizer.Step(learningRate, gate);
        foreach (((_, Tensor running), Tensor before) in model.Running.Zip(runningBefore))
            running.CopyFrom(gate.Choose(running, before));
        return new StepInFlight(gate);
    }

    private void Report(StepRecord record)
    {
        told = record.Step;
        log.Add(record);
        observer.Step(record, TotalSteps);
        skipped.Add(record);
    }

    private void EndEpoch()
    {
        teller.TellAll();
        Choose();
        // While steps are being skipped, the newest checkpoint stays the last good one.
        if ((IsFinished || EpochsDone % config.CheckpointEvery == 0) && skipped.InARow == 0)
            Save();
    }

    /// <summary>Scores the epoch on the clips to choose by, and keeps the model if it is the best so far.</summary>
    private void Choose()
    {
        bool onTest = config.Mode == FineTuningMode.SelectOnTest;
        ClipScores scores = scorer.Score(setup.Clips, setup.Parts.Choose, onTest ? ClipView.FromStart : ClipView.RandomCrop);
        string part = onTest ? "test" : "valid";
        var epoch = new BestEpoch(EpochsDone, 100 * scores.Score, scores.Loss);
        Add(new EvaluationRecord(step, EpochsDone, $"{FineTuningResult.MetricOf(setup.Task)}/{part}", epoch.Score));
        Add(new EvaluationRecord(step, EpochsDone, $"loss/{part}", epoch.Loss));
        if (!epoch.Beats(best))
            return;
        best = epoch;
        FineTunedCheckpoint.Write(folder.BestCheckpoint, setup.Model, optimizer: null, StateNow());
    }

    private void Add(EvaluationRecord record)
    {
        log.Add(record);
        observer.Evaluation(record);
    }

    private void Save()
    {
        log.Flush();
        string path = folder.CheckpointOf(step);
        FineTunedCheckpoint.Write(path, setup.Model, optimizer, StateNow());
        latestCheckpoint = path;
        folder.Prune(config.KeepLast, staysForEver: _ => false);
        WriteBadFiles();
    }

    private FineTunedState StateNow() => setup.State with { Step = step, OptimizerSteps = optimizer.Steps, Best = best };

    private void WriteBadFiles()
    {
        if (setup.BadFiles.Count > 0)
            setup.BadFiles.WriteCsv(folder.BadFiles);
    }
}

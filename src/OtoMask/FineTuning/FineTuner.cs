using System.Diagnostics;
using OtoMask.Data;
using OtoMask.Distributed;
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
    private readonly TrainingGroup group;
    private readonly GradientExchange? exchange;
    private readonly SkippedSteps skipped;
    private readonly StepTeller teller;
    private LogWriter? log;
    private double exchanged;
    private long step, told;
    private long? saved;
    private BestEpoch? best;

    /// <summary>Prepares a run, new or resumed; the caller goes on owning <paramref name="setup"/>.</summary>
    /// <param name="folder">Where the run is kept.</param>
    /// <param name="setup">Task, model and the state to begin from.</param>
    /// <param name="observer">Is told what happens.</param>
    public FineTuner(RunFolder folder, FineTuningSetup setup, ITrainingObserver observer)
    {
        (this.folder, this.setup, this.observer, config, group) = (folder, setup, observer, setup.Config, setup.Group);
        (step, told, best) = (setup.State.Step, setup.State.Step, setup.State.Best);
        saved = setup.From is null ? null : step;
        optimizer = config.CreateOptimizer(setup.Model.Trained, setup.RateOf);
        setup.From?.LoadOptimizer(setup.Model, optimizer);
        learningRates = new LearningRateSchedule(config.LearningRate, (long)(config.Warmup * TotalSteps), TotalSteps, FineTuningConfig.LastLearningRate);
        scorer = new ClipScorer(setup.Model, setup.Input);
        exchange = group.IsAlone ? null : new GradientExchange(group, setup.Model.Trained, setup.Model.Stacks);
        group.DoneByFirst(() => log = folder.OpenLog(step, isResumed: setup.From is not null, setup.BadFiles, setup.Changes, setup.Warnings));
        // The best epoch on disk may be one after this checkpoint. The same run comes to it again; another has to find its own.
        if (setup.Changes.Count > 0 && group.ToldNumber(() => File.Exists(folder.BestCheckpoint) && FineTunedCheckpoint.Read(folder.BestCheckpoint).State.Best == best ? 1 : 0) == 0)
            best = null;
        skipped = new SkippedSteps(folder, log, observer, "lr");
        skipped.InARow = (int)group.ToldNumber(() => skipped.InARow);
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
        using var stop = new StopVote(group, cancellation);
        while (!IsFinished && !(EpochsDone >= stopAt) && !stop.IsCarried())
        {
            TakeStep(reader);
            if (step % setup.Batches.StepsPerEpoch == 0)
                EndEpoch();
        }
        teller.TellAll();
        if (saved != step)
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
        FineTunedCheckpoint checkpoint = SharedFile.Read(group, () => FineTunedCheckpoint.Read(folder.BestCheckpoint), best => best.Path, FineTunedCheckpoint.Read);
        using Classifier model = checkpoint.LoadModel(setup.Model.Device);
        ClipScores scores = new ClipScorer(model, setup.Input).Score(setup.Clips, setup.Parts.Test, ClipView.FromStart, group);
        group.DoneByFirst(WriteBadFiles);
        return new FineTuningResult(setup.Task, checkpoint.State.Best!, scores.Clips, scores.Logits, 100 * scores.Score);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        teller.Dispose();
        exchange?.Dispose();
        optimizer.Dispose();
        folder.Release();
        log?.Dispose(); // last: on a full disk it throws
    }

    private void TakeStep(BatchReader<ClassBatch> reader)
    {
        long begin = Stopwatch.GetTimestamp();
        TimeSpan waitedBefore = reader.Waited;
        ClassBatch batch = reader.Next()!;
        double waited = (reader.Waited - waitedBefore).TotalSeconds, learningRate = learningRates.At(step), exchangedBefore = exchanged;
        (long number, int epoch) = (step + 1, EpochsDone);
        StepInFlight taken = Step(batch, learningRate);
        step = number;
        double exchanging = exchanged - exchangedBefore;
        teller.Add(taken, begin, (outcome, total) => new StepRecord(
            number, epoch, outcome.Loss, learningRate, Hint: null, Ema: null, outcome.GradientNorm, outcome.Applied,
            setup.Batches.BatchSize / total, waited / total, batch.MaskMilliseconds)
        {
            Processes = group.IsAlone ? null : group.Size,
            ExchangeWait = group.IsAlone ? null : exchanging / total,
        });
    }

    /// <summary>Forward, backward, update; where loss or gradient is not finite, nothing changes.</summary>
    private StepInFlight Step(ClassBatch batch, double learningRate)
    {
        using var scope = new TensorScope();
        using IDisposable? products = config.Precision.OfStep();
        Classifier model = setup.Model;
        Tensor[] runningBefore = [.. model.Running.Select(pair => pair.Values.Clone())];
        Tensor loss = exchange is null ? Differentiate(batch) : exchange.During(() => Differentiate(batch));
        if (exchange is not null)
            Exchange(exchange);
        // Of a loss that is no number there are no gradients; elsewhere than on the processor nobody waits to know.
        Tensor norm = !model.Device.IsCpu || double.IsFinite(loss.Item()) ? model.Trained.Gradients.Norm() : loss * double.NaN;
        StepGate gate = StepGate.Of([loss], [], norm, double.PositiveInfinity);
        optimizer.Step(learningRate, gate);
        foreach (((_, Tensor running), Tensor before) in model.Running.Zip(runningBefore))
            running.CopyFrom(gate.Choose(running, before));
        return new StepInFlight(gate);
    }

    /// <summary>The loss of the whole batch; adds its gradients, as far as this process's clips give them.</summary>
    private Tensor Differentiate(ClassBatch batch)
    {
        Classifier model = setup.Model;
        int clips = batch.Clips, given = batch.Ids.Length / clips;
        Tensor[] sent = Tensor.Send(
            model.Device, HostArray.Of(batch.Patches, clips, given, setup.Input.Geometry.PatchSize), HostArray.Of(batch.Ids, clips, given), HostArray.Of(batch.Targets, clips, model.Classes));
        (Tensor patches, Tensor ids, Tensor targets) = (sent[0], sent[1], sent[2]);
        Tensor logits;
        using (IDisposable? autocast = config.Precision.On(model.Device, config.Bf16By))
        {
            Tensor features = model.Features(patches, ids);
            if (exchange is not null)
                (features, targets) = OfAll(features, targets, batch);
            logits = model.Classify(features, training: true);
        }
        Tensor loss = Classifier.Loss(logits, targets, setup.Task.IsMultiLabel);
        // Elsewhere nobody waits to know whether it is finite: what it adds to the gradients is thrown away with them.
        if (!model.Device.IsCpu || double.IsFinite(loss.Item()))
            loss.Backward();
        return loss;
    }

    /// <summary>Features and targets of the whole batch, by which the head normalises: every process computes all of the head, which is little, and differentiates
    /// through the rows that are its own.</summary>
    private (Tensor Features, Tensor Targets) OfAll(Tensor features, Tensor targets, ClassBatch batch)
    {
        long begin = Stopwatch.GetTimestamp();
        (long width, long behind) = (features.Shape[1], batch.First + batch.Clips);
        Tensor all = Tensor.Zeros(features.Device, DType.Float32, setup.Batches.BatchSize, width + targets.Shape[1]);
        all.Narrow(0, batch.First, batch.Clips).CopyFrom(Tensor.Cat(1, features.Detach(), targets));
        group.Sum(all);
        exchanged += Stopwatch.GetElapsedTime(begin).TotalSeconds;
        Tensor Others(long start, long end) => all.Narrow(0, start, end - start).Narrow(1, 0, width);
        return (Tensor.Cat(0, Others(0, batch.First), features, Others(behind, setup.Batches.BatchSize)), all.Narrow(1, width, targets.Shape[1]));
    }

    /// <summary>Sums the gradients. Those of the head everybody has whole, so that one process's are enough.</summary>
    private void Exchange(GradientExchange exchange)
    {
        long begin = Stopwatch.GetTimestamp();
        foreach (Parameter parameter in group.IsFirst ? [] : setup.Model.Head)
            setup.Model.Trained.Gradients.Narrow(0, parameter.Offset, parameter.Count).ZeroInto();
        exchange.Finish();
        exchanged += Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private void Report(StepRecord record)
    {
        told = record.Step;
        log?.Add(record);
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
        ClipScores scores = scorer.Score(setup.Clips, setup.Parts.Choose, onTest ? ClipView.FromStart : ClipView.RandomCrop, group);
        string part = onTest ? "test" : "valid";
        var epoch = new BestEpoch(EpochsDone, 100 * scores.Score, scores.Loss);
        Add(new EvaluationRecord(step, EpochsDone, $"{FineTuningResult.MetricOf(setup.Task)}/{part}", epoch.Score));
        Add(new EvaluationRecord(step, EpochsDone, $"loss/{part}", epoch.Loss));
        if (!epoch.Beats(best))
            return;
        best = epoch;
        group.DoneByFirst(() => FineTunedCheckpoint.Write(folder.BestCheckpoint, setup.Model, optimizer: null, StateNow()));
    }

    private void Add(EvaluationRecord record)
    {
        log?.Add(record);
        observer.Evaluation(record);
    }

    /// <summary>The first process writes; others wait.</summary>
    private void Save()
    {
        setup.BadFiles.Share(group);
        group.DoneByFirst(() =>
        {
            log!.Flush();
            FineTunedCheckpoint.Write(folder.CheckpointOf(step), setup.Model, optimizer, StateNow());
            folder.Prune(config.KeepLast, staysForEver: _ => false);
            WriteBadFiles();
        });
        saved = step;
    }

    private FineTunedState StateNow() => setup.State with { Step = step, OptimizerSteps = optimizer.Steps, Best = best };

    private void WriteBadFiles()
    {
        if (setup.BadFiles.Count > 0)
            setup.BadFiles.WriteCsv(folder.BadFiles);
    }
}

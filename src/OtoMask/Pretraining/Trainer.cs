using System.Diagnostics;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Evaluation;
using OtoMask.Runs;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Pretraining;

/// <summary>How a call of <see cref="Trainer.Run"/> ended.</summary>
public enum TrainingEnd
{
    /// <summary>All steps are done.</summary>
    Finished,

    /// <summary>The epoch to stop at was reached, or the run was cancelled; it can be resumed.</summary>
    Stopped,
}

/// <summary>
/// Pre-trains one model into one run folder. Everything it computes follows from the configuration and the data, so a run that
/// was stopped and resumed ends with the same weights as one that was not.
/// </summary>
internal sealed class Trainer : IDisposable
{
    private readonly RunFolder folder;
    private readonly PretrainingConfig config;
    private readonly TrainingSetup setup;
    private readonly ITrainingObserver observer;
    private readonly AdamW optimizer;
    private readonly TrainingStep training;
    private readonly BatchPipeline pipeline;
    private readonly HealthAlarm alarm;
    private readonly TrainingGroup group;
    private LogWriter? log;
    private readonly LearningRateSchedule learningRates;
    private readonly EmaSchedule emaDecays;
    private readonly SkippedSteps skipped;
    private readonly StepTeller teller;
    private long step, told;
    private long? saved;

    /// <summary>Prepares a run, new or resumed; the caller goes on owning <paramref name="setup"/>.</summary>
    /// <param name="folder">Where the run is kept.</param>
    /// <param name="setup">Data, statistics, model and the state to begin from.</param>
    /// <param name="observer">Is told what happens.</param>
    public Trainer(RunFolder folder, TrainingSetup setup, ITrainingObserver observer)
    {
        (this.folder, this.setup, this.observer, config) = (folder, setup, observer, setup.Config);
        group = setup.Group;
        saved = setup.From?.State.Step;
        step = told = saved ?? 0;
        optimizer = config.CreateOptimizer(setup.Model);
        setup.From?.LoadOptimizer(setup.Model, optimizer);
        training = new TrainingStep(setup.Model, optimizer, config.Precision, config.ClipNorm, setup.Masking.CreateFeatureStrategy(), group) { Bf16By = config.Bf16By };
        TotalSteps = setup.TotalSteps;
        learningRates = new LearningRateSchedule(config.PeakLearningRate, (long)(config.Warmup * TotalSteps), TotalSteps);
        emaDecays = new EmaSchedule(config.EmaStart, config.EmaEnd, TotalSteps, config.EmaRamp);
        pipeline = setup.Pipeline(HintAt);
        group.DoneByFirst(() => log = folder.OpenLog(step, isResumed: setup.From is not null, setup.BadFiles, setup.Changes, setup.Warnings));
        skipped = new SkippedSteps(folder, log, observer, "base-lr");
        skipped.InARow = (int)group.ToldNumber(() => skipped.InARow);
        alarm = new HealthAlarm(observer, log?.FirstRank);
        teller = new StepTeller(setup.Model.Device, Report);
    }

    /// <summary>Optimiser steps of the whole run.</summary>
    public long TotalSteps { get; }

    /// <summary>Optimiser steps done, as far as they are told.</summary>
    public long StepsDone => told;

    /// <summary>Where the time went.</summary>
    public PhaseTimes Times => training.Times;

    /// <summary>Trains to the end, to the end of epoch <paramref name="stopAt"/>, or until cancelled; then a checkpoint is on disk.</summary>
    /// <param name="stopAt">Epochs after which to stop although the schedules go on, or null.</param>
    /// <param name="evaluations">What to measure along the way.</param>
    /// <param name="cancellation">Finishes the step in progress, writes a checkpoint and returns.</param>
    /// <exception cref="TrainingDivergedException">Loss or gradients were not finite several times in a row.</exception>
    public TrainingEnd Run(int? stopAt, IReadOnlyList<IEvaluation> evaluations, CancellationToken cancellation = default)
    {
        if (setup.From is null)
            Keep(evaluations, saves: true);
        using BatchReader<MaskedBatch> reader = OpenReader();
        using var stop = new StopVote(group, cancellation);
        while (step < TotalSteps && !(EpochsDone >= stopAt) && !stop.IsCarried())
        {
            TakeStep(reader);
            EndStep(evaluations);
        }
        teller.TellAll();
        if (saved != step)
            Keep([], saves: true); // cancelled within an epoch
        return step == TotalSteps ? TrainingEnd.Finished : TrainingEnd.Stopped;
    }

    private int EpochsDone => EpochOf(step);

    private int EpochOf(long doneSteps) => (int)(doneSteps * config.Accumulate / pipeline.StepsPerEpoch);

    /// <summary>The hint ratio while batch (epoch, batch) of the data is masked: the schedule at that share of the run.</summary>
    private double HintAt(int epoch, int batch)
    {
        long number = ((long)epoch * pipeline.StepsPerEpoch + batch) / config.Accumulate;
        return setup.HintAt(Math.Min(number, TotalSteps - 1));
    }

    private void TakeStep(BatchReader<MaskedBatch> reader)
    {
        long begin = Stopwatch.GetTimestamp();
        TimeSpan waitedBefore = reader.Waited;
        double maskBefore = training.Times.Mask;
        using StepBatches batches = StepBatches.Take(reader, config.Accumulate);
        double exchangedBefore = training.Times.Exchange, seconds = (reader.Waited - waitedBefore).TotalSeconds;
        double learningRate = learningRates.At(step), emaDecay = emaDecays.At(step), hint = batches.All[0].HintRatio;
        StepInFlight taken = training.Begin(batches.All, learningRate, emaDecay);
        double maskMs = batches.MaskMilliseconds + 1000 * (training.Times.Mask - maskBefore);
        double exchanged = training.Times.Exchange - exchangedBefore;
        long number = ++step;
        teller.Add(taken, begin, (outcome, total) => new StepRecord(
            number, EpochOf(number - 1), outcome.Loss, learningRate, hint, config.Framework.HasTarget ? emaDecay : null, outcome.GradientNorm, outcome.Applied,
            config.Accumulate * config.Batch / total, seconds / total, maskMs)
        {
            Parts = outcome.Parts,
            Processes = group.IsAlone ? null : group.Size,
            ExchangeWait = group.IsAlone ? null : exchanged / total,
        });
    }

    private void Report(StepRecord record)
    {
        told = record.Step;
        log?.Add(record);
        observer.Step(record, TotalSteps);
        skipped.Add(record);
    }

    private void EndStep(IReadOnlyList<IEvaluation> evaluations)
    {
        bool last = step == TotalSteps, evaluates = last || EndsEpochs(step, config.EvaluateEvery);
        bool saves = last || EndsEpochs(step, config.CheckpointEvery) || EndsEpochs(step, config.KeepEvery);
        if (!evaluates && !saves)
            return;
        teller.TellAll();
        // While steps are being skipped, the newest checkpoint stays the last good one.
        Keep(evaluates ? evaluations : [], saves && skipped.InARow == 0);
    }

    /// <summary>The first process measures and writes; others wait.</summary>
    private void Keep(IReadOnlyList<IEvaluation> evaluations, bool saves)
    {
        setup.BadFiles.Share(group);
        group.DoneByFirst(() =>
        {
            Evaluate(evaluations);
            if (saves)
                Save();
        });
        if (saves)
            saved = step;
    }

    /// <summary>Whether a number of epochs that <paramref name="every"/> divides ends with this step; never where that is 0.</summary>
    private bool EndsEpochs(long doneSteps, int every) => every > 0 && doneSteps > 0 && EpochOf(doneSteps) / every > EpochOf(doneSteps - 1) / every;

    private void Evaluate(IReadOnlyList<IEvaluation> evaluations)
    {
        if (config.EvaluateEvery == 0)
            return;
        EncoderSnapshot encoder = setup.Snapshot();
        foreach (IEvaluation evaluation in evaluations)
        {
            foreach ((string metric, double value) in evaluation.Run(encoder))
            {
                var record = new EvaluationRecord(step, EpochsDone, metric, value);
                log!.Add(record);
                observer.Evaluation(record);
                alarm.Look(record);
            }
        }
    }

    private void Save()
    {
        log!.Flush();
        string path = folder.CheckpointOf(step);
        Checkpoint.Write(path, setup.Model, optimizer, setup.StateAt(step, optimizer.Steps));
        folder.Prune(config.KeepLast, done => EndsEpochs(done, config.KeepEvery));
        if (setup.BadFiles.Count > 0)
            setup.BadFiles.WriteCsv(folder.BadFiles);
    }

    private BatchReader<MaskedBatch> OpenReader()
    {
        long batch = step * config.Accumulate;
        return pipeline.Read((int)(batch / pipeline.StepsPerEpoch), (int)(batch % pipeline.StepsPerEpoch));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        teller.Dispose();
        training.Dispose();
        optimizer.Dispose();
        folder.Release();
        log?.Dispose(); // last: on a full disk it throws
    }
}

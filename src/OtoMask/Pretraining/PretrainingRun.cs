using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Evaluation;
using OtoMask.Runs;
using OtoMask.Weights;

namespace OtoMask.Pretraining;

/// <summary>
/// A pre-training in its run folder, from the first look at the data to <c>metrics.json</c>: the one way to run one, for commands, studies and programs
/// of others.
/// </summary>
/// <example><code>
/// using var run = PretrainingRun.Begin("run", new PretrainingConfig { Data = "clips", Mask = "dwm", Minutes = 10 });
/// run.Train();
/// </code></example>
public sealed class PretrainingRun : IDisposable
{
    private readonly RunInWork work;
    private readonly TrainingSetup setup;
    private readonly WarningCollector observer;
    private readonly IReadOnlyList<LabelledTask> tasks;

    private PretrainingRun(RunFolder folder, PretrainingConfig config, TrainingGroup? group, Func<WarningCollector, TrainingSetup> open, ITrainingObserver? observer)
    {
        (Folder, work, this.observer) = (folder, new RunInWork(folder), new WarningCollector(observer ?? new NoObserver()));
        tasks = config.Task is { } path && (group?.IsFirst ?? true) ? [LabelledTask.Read(path)] : []; // what the user can mend is said before minutes of preparation
        setup = open(this.observer);
        StepsDone = setup.From?.State.Step ?? 0;
    }

    /// <summary>Where it is kept.</summary>
    public RunFolder Folder { get; }

    /// <summary>The configuration, its precision and its length resolved.</summary>
    public PretrainingConfig Config => setup.Config;

    /// <summary>The clips.</summary>
    public ClipList Clips => setup.Source.Clips;

    /// <summary>Clips that cannot be used.</summary>
    public BadFiles BadFiles => setup.BadFiles;

    /// <summary>Optimiser steps of the whole run.</summary>
    public long TotalSteps => setup.TotalSteps;

    /// <summary>Optimiser steps done.</summary>
    public long StepsDone { get; private set; }

    /// <summary>Labelled tasks whose k-NN accuracy is followed, besides <see cref="PretrainingConfig.Task"/>.</summary>
    public IReadOnlyList<LabelledTask> Follow { get; set; } = [];

    /// <summary>Begins a run: looks at the data, measures its statistics, builds the model and times a few steps. Nothing is written before <see cref="Train"/>.</summary>
    /// <param name="folder">A folder that is not there, is empty, or holds a run that was stopped before its first checkpoint.</param>
    /// <param name="config">What to train; paths may be relative.</param>
    /// <param name="observer">Is told what happens, or null.</param>
    /// <param name="source">Clips of another kind than <see cref="PretrainingConfig.Data"/> can name, which is then what they are called; disposed with the run, and where none begins.</param>
    /// <param name="cancellation">Stops the preparation.</param>
    /// <param name="group">The processes that share every batch, all of which call this; the first one writes the folder. Null = this one alone.</param>
    /// <exception cref="UserErrorException">The folder holds anything else, or the configuration or the data is impossible.</exception>
    public static PretrainingRun Begin(
        string folder, PretrainingConfig config, ITrainingObserver? observer = null, ClipSource? source = null, CancellationToken cancellation = default,
        TrainingGroup? group = null)
    {
        using var given = new OpenedSources(source);
        config.Validate();
        var run = new RunFolder(folder);
        if (group is null or { IsFirst: true })
            run.RequireFree();
        return given.For(new PretrainingRun(run, config, group, told => TrainingSetup.Begin(config, told, source, cancellation, group), observer));
    }

    /// <summary>Goes on with a run exactly where its newest checkpoint left it, or at the checkpoint named.</summary>
    /// <param name="path">Its folder, or one of its checkpoints.</param>
    /// <param name="configure">How it is to go on, from how it was; null = as it was.</param>
    /// <param name="accept">Is shown what of the configuration or the data has changed so that results change, and the checkpoint; refuses by an exception. Null = refuse any such change.</param>
    /// <param name="observer">Is told what happens, or null.</param>
    /// <param name="source">As for <see cref="Begin"/>.</param>
    /// <param name="cancellation">Stops the preparation.</param>
    /// <param name="group">As for <see cref="Begin"/>, of any size. The folder need be where the first process is, alone.</param>
    /// <exception cref="UserErrorException">There is no run, another process trains in its folder, or it cannot go on like this.</exception>
    public static PretrainingRun Resume(
        string path, Func<PretrainingConfig, PretrainingConfig>? configure = null, Action<string, IReadOnlyList<ConfigChange>>? accept = null,
        ITrainingObserver? observer = null, ClipSource? source = null, CancellationToken cancellation = default, TrainingGroup? group = null)
    {
        using var given = new OpenedSources(source);
        group ??= TrainingGroup.Alone;
        RunFolder folder = group.IsFirst ? RunFolder.Of(path) : new RunFolder(path);
        if (group.IsFirst)
            new RunInWork(folder).Open();
        try
        {
            observer?.Stage("reading the checkpoint");
            Checkpoint from = SharedFile.Read(group, () => Checkpoint.Read(path), checkpoint => checkpoint.Path, Checkpoint.Read);
            PretrainingConfig config = configure?.Invoke(from.State.ConfigAsWritten) ?? from.State.ParsedConfig;
            return given.For(new PretrainingRun(
                folder, config, group, told => TrainingSetup.Resume(from, config, changes => (accept ?? Resumption.Refuse)(from.Path, changes), told, source, cancellation, group), observer));
        }
        catch
        {
            folder.Release();
            throw;
        }
    }

    /// <summary>Trains to the end, to the end of epoch <paramref name="stopAt"/>, or until cancelled; then checkpoint and metrics are on disk, also where it
    /// diverged, and <see cref="ITrainingObserver.End"/> is told.</summary>
    /// <param name="stopAt">Epochs after which to stop although the schedules go on, or null.</param>
    /// <param name="cancellation">Finishes the step in progress, writes a checkpoint and returns.</param>
    /// <exception cref="TrainingDivergedException">Loss or gradients were not finite several times in a row.</exception>
    /// <exception cref="RunInterruptedException">Disk or data failed.</exception>
    public TrainingEnd Train(int? stopAt = null, CancellationToken cancellation = default)
    {
        TrainingEnd Run() => TrainInFolder(stopAt, cancellation);
        return !setup.Group.IsFirst ? Run() : setup.From is null ? work.Begin(Run) : work.Train(Run);
    }

    /// <summary>The encoder as it stands, for probes and embeddings; it lives as long as the run.</summary>
    public EncoderSnapshot Snapshot() => setup.Snapshot();

    /// <summary>The run with its data and its model, for who looks deeper.</summary>
    internal TrainingSetup Setup => setup;

    /// <inheritdoc/>
    public void Dispose()
    {
        setup.Dispose();
        Folder.Release();
    }

    private TrainingEnd TrainInFolder(int? stopAt, CancellationToken cancellation)
    {
        if (setup.Group.IsFirst)
            ConfigFile.Write(Folder.Config, Config);
        using var trainer = new Trainer(Folder, setup, observer);
        try
        {
            TrainingEnd end = trainer.Run(stopAt, Evaluations(), cancellation);
            Conclude(trainer.StepsDone);
            return end;
        }
        catch (TrainingDivergedException)
        {
            Conclude(trainer.StepsDone);
            throw;
        }
    }

    /// <summary>What is measured every few epochs: RankMe and CEV-AUC on clips of the data, the loss on clips that are held back, and k-NN where tasks are named.</summary>
    private IReadOnlyList<IEvaluation> Evaluations() => Config.EvaluateEvery == 0 || !setup.Group.IsFirst
        ? []
        : [
            HealthEvaluation.OnCropsOf(setup.Source, Config.Geometry, Config.Seed, Config.ShortClips, setup.BadFiles),
            .. setup.HeldOut is { } heldOut ? (IEnumerable<IEvaluation>)[new ValidationLoss(setup, heldOut)] : [],
            .. tasks.Concat(Follow).Select(task => new KnnEvaluation(task)),
        ];

    private void Conclude(long step)
    {
        StepsDone = step;
        if (!setup.Group.IsFirst)
            return;
        RunLog log = RunLog.Read(Folder.Log);
        AtomicFile.WriteAllText(Folder.Metrics, RunMetrics.Of(log, Config.Batch * Config.Accumulate).ToJson(step, TotalSteps, Clips.Count, BadFiles.Count));
        observer.End(new RunSummary
        {
            Folder = Folder,
            What = $"{Config.Framework} {Config.Encoder?.ToString() ?? Config.Size}, {Config.Mask} masking of {Config.Input} input, on {Config.Data}",
            Log = log,
            Config = ConfigFile.ToYaml(Config),
            Clips = Clips.Count,
            BadFiles = [.. BadFiles.ToList().Select(bad => bad.ToString())],
            Warnings = log.WarningsWith(observer.Warnings),
            Environment = [.. RunInWork.Environment(Config.Device), .. setup.Group.IsAlone ? [] : (IEnumerable<(string, string)>)[("processes", $"{setup.Group.Size}")]],
        });
    }

    private sealed class NoObserver : ITrainingObserver;

    /// <summary>Keeps the warnings for the report.</summary>
    private sealed class WarningCollector(ITrainingObserver observer) : ObserverRelay(observer)
    {
        public List<string> Warnings { get; } = [];

        public override void Warning(string message)
        {
            Warnings.Add(message);
            base.Warning(message);
        }
    }
}

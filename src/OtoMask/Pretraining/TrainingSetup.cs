using System.Diagnostics;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Evaluation;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Pretraining;

/// <summary>What a run stands on: the data, its statistics, the model, and how many steps there are.</summary>
internal sealed class TrainingSetup : IDisposable
{
    private const int TimedSteps = 3, PublishedEpochs = 300, HashDigits = 12;
    private readonly Device device;

    private TrainingSetup(
        TrainingGroup group, PretrainingConfig config, ClipSource source, NormalisationStatistics normalisation, NoiseMix? noise, BadFiles badFiles, Checkpoint? from)
    {
        (Group, Config, Source, Normalisation, Noise, BadFiles, From) = (group, config, source, normalisation, noise, badFiles, from);
        device = group.DeviceOf(config.Device);
        Masking = config.Masking;
        DType gradients = config.Gradients.Type();
        Model = from is null ? config.Framework.CreateModel(config.ModelShape, config.Seed, device, gradients) : from.LoadModel(device, gradients);
        config.Settle(Model);
    }

    /// <summary>The processes that share every batch.</summary>
    public TrainingGroup Group { get; }

    /// <summary>The configuration, its precision and its length resolved.</summary>
    public PretrainingConfig Config { get; private set; }

    /// <summary>The clips.</summary>
    public ClipSource Source { get; }

    /// <summary>Mean and standard deviation of their log-mels.</summary>
    public NormalisationStatistics Normalisation { get; }

    /// <summary>Background noise to mix under the clips, or null.</summary>
    public NoiseMix? Noise { get; }

    /// <summary>Clips that are held back for <see cref="ValidationLoss"/>; null where none are, and in all processes but the first.</summary>
    public ClipSource? HeldOut { get; private init; }

    /// <summary>What a new run takes over from the model it begins with, and what begins anew; a line each.</summary>
    public IReadOnlyList<string> TakenOver { get; private set; } = [];

    /// <summary>Clips that cannot be used.</summary>
    public BadFiles BadFiles { get; }

    /// <summary>The model to train.</summary>
    public MaskedModel Model { get; }

    /// <summary>The checkpoint the run goes on from, or null.</summary>
    public Checkpoint? From { get; }

    /// <summary>What is otherwise from now on than it was up to <see cref="From"/>.</summary>
    public IReadOnlyList<ConfigChange> Changes { get; private init; } = [];

    /// <summary>What the preparation has warned of, but for <see cref="Changes"/>.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    /// <summary>The masking strategy.</summary>
    public MaskingInfo Masking { get; }

    /// <summary>The hint ratio of one step: what the strategy goes by of its schedule.</summary>
    /// <param name="step">In 0 .. <see cref="TotalSteps"/> - 1.</param>
    public double HintAt(long step) => Masking.Heeded(Config.Hint.At((int)step, (int)TotalSteps));

    /// <summary>Optimiser steps of the whole run.</summary>
    public long TotalSteps { get; private set; }

    /// <summary>Opens the data of a new run, measures its statistics, builds the model and times a few steps.</summary>
    /// <param name="config">The configuration; precision <c>auto</c> is measured, and who computes bfloat16 where two can; a length in minutes is turned into steps.</param>
    /// <param name="observer">Is told the stages, what is taken over, the precision and the estimate.</param>
    /// <param name="source">The clips, where <see cref="PretrainingConfig.Data"/> only tells what they are called; disposed with the setup, and where there comes to be none.
    /// Null = open them.</param>
    /// <param name="cancellation">Stops the preparation.</param>
    /// <param name="group">The processes that share every batch; null = this one alone.</param>
    /// <exception cref="UserErrorException">The configuration or the data is impossible, or not the same in all processes.</exception>
    public static TrainingSetup Begin(
        PretrainingConfig config, ITrainingObserver observer, ClipSource? source = null, CancellationToken cancellation = default, TrainingGroup? group = null)
    {
        using var opened = new OpenedSources(source);
        group ??= TrainingGroup.Alone;
        Check(config, group);
        List<string> warnings = [];
        void Warn(string message)
        {
            warnings.Add(message);
            observer.Warning(message);
        }

        foreach (string warning in MaskingGeometry.Warnings(config.Masking, config.Geometry.Grid, config.ResolvedMaskRatio))
            Warn(warning);
        SavedModel? from = FurtherPretraining.Open(config);
        observer.Stage("looking at the data");
        source ??= opened.Add(OpenData(config));
        ClipSource? heldOut = OpenHeldOut(config, opened, source, group);
        RequireAlike(group, config, source);
        var badFiles = new BadFiles();
        observer.Stage("measuring mean and deviation of the data");
        NormalisationStatistics normalisation = Measure(source, config, badFiles, observer, cancellation, group);
        if (badFiles.Summary(source.Clips.Count) is { } bad)
            Warn(bad);
        NoiseMix? noise = OpenNoise(config, opened, some => Measure(some, config, badFiles, observer, cancellation, group).Mean);
        TrainingSetup setup = opened.For(new TrainingSetup(group, config, source, normalisation, noise, badFiles, from: null) { HeldOut = heldOut, Warnings = warnings });
        return setup.OrDispose(() =>
        {
            if (from is not null)
                setup.TakenOver = FurtherPretraining.TakeOver(setup.Model, config, from);
            foreach (string line in setup.TakenOver)
                observer.Note(line);
            setup.ChooseAndPlan(observer, cancellation);
        });
    }

    /// <summary>Prepares to go on with a run.</summary>
    /// <param name="from">Where it goes on.</param>
    /// <param name="config">How it is to go on.</param>
    /// <param name="accept">Is shown what of the configuration or the data has changed so that results change, and refuses it by an exception; not called where nothing has.</param>
    /// <param name="observer">Is told the stages, the estimate, and what has changed.</param>
    /// <param name="source">As for <see cref="Begin"/>.</param>
    /// <param name="cancellation">Stops the preparation.</param>
    /// <param name="group">As for <see cref="Begin"/>; it need not be as large as before.</param>
    /// <exception cref="UserErrorException">The changes leave no model or no run to go on with.</exception>
    public static TrainingSetup Resume(
        Checkpoint from, PretrainingConfig config, Action<IReadOnlyList<ConfigChange>> accept, ITrainingObserver observer, ClipSource? source = null,
        CancellationToken cancellation = default, TrainingGroup? group = null)
    {
        using var opened = new OpenedSources(source);
        group ??= TrainingGroup.Alone;
        if (!from.State.IsOfRun)
            throw new UserErrorException(
                $"{from.Path} holds weights without the state of a run (they were imported), so there is nothing to go on with; begin a run with them: `PretrainingConfig.From` {from.Path}, with data and a folder of its own");
        Check(config, group);
        CheckpointState state = from.State;
        source ??= opened.Add(OpenData(config));
        ClipSource? heldOut = OpenHeldOut(config, opened, source, group);
        RequireAlike(group, config, source);
        var badFiles = new BadFiles();
        source.LeaveOut(state.LeftOut ?? [], badFiles);
        NoiseMix? noise = OpenNoise(config, opened, some =>
        {
            if (some.Clips.ManifestHash != state.Noise?.ManifestHash)
                return Measure(some, config, badFiles, observer, cancellation, group).Mean;
            some.LeaveOut(state.Noise.LeftOut ?? [], badFiles);
            return state.Noise.Mean;
        });
        ConfigChange[] changes =
        [
            .. ConfigChange.Between(ConfigKeys.All, state.ParsedConfig, config).Select(state.Explained),
            .. DataChanges("clips", state.ManifestHash, state.Clips, source.Clips),
            .. state.Noise is null || noise is null ? [] : DataChanges("noise", state.Noise.ManifestHash, state.Noise.Clips, noise.Source.Clips),
        ];
        if (changes.Length > 0)
        {
            accept(changes);
            RequireSameModel(from, config);
        }
        IReadOnlyList<string> warnings = new Resumption(from.Path, state.Step).Tell(changes, state.Program, observer);
        TrainingSetup setup = opened.For(new TrainingSetup(group, config, source, state.Normalisation, noise, badFiles, from) { Changes = changes, HeldOut = heldOut, Warnings = warnings });
        return setup.OrDispose(() => setup.ChooseAndPlan(observer, cancellation));
    }

    private static void Check(PretrainingConfig config, TrainingGroup group)
    {
        config.Validate();
        _ = group.DeviceOf(config.Device).Having(config.Precision);
        config.RequireMemory(group.LocalSize, group.Share(config.Batch).Count);
    }

    /// <summary>Refuses processes that would train something else each. Where their data lies is each one's own affair.</summary>
    private static void RequireAlike(TrainingGroup group, PretrainingConfig config, ClipSource source)
    {
        if (group.IsAlone)
            return;
        RequireSameProgram(group);
        group.RequireAlike("configuration", ConfigFile.ToYaml(config with { Data = "-", From = null, Noise = null, Task = null, Valid = null, Workers = 0 }));
        group.RequireAlike("list of clips", $"{source.Clips.Count} clips, {source.Clips.ManifestHash}");
    }

    /// <summary>Refuses processes of which one is another program than the others.</summary>
    internal static void RequireSameProgram(TrainingGroup group)
    {
        group.RequireAlike("version of otomask", ProgramVersion.Current);
        group.RequireAlike("libtorch", TorchRuntime.Describe().Split('\n')[0]);
    }

    private static void RequireSameModel(Checkpoint from, PretrainingConfig config)
    {
        PretrainingConfig before = from.State.ParsedConfig;
        if ((config.Framework, config.ModelShape) != (before.Framework, before.ModelShape))
            throw new UserErrorException($"{from.Path} holds another model than this configuration asks for, which nothing can force; leave framework, size, input and patch as they were, or start a new run");
    }

    /// <summary>What tells the clips of a data set from those a run was trained on: their list by its hash, and how many they are.</summary>
    private static IEnumerable<ConfigChange> DataChanges(string what, string hashBefore, int countBefore, ClipList clips)
    {
        if (clips.ManifestHash == hashBefore)
            yield break;
        yield return new ConfigChange($"list of {what} (hash of names and sizes)", hashBefore[..Math.Min(HashDigits, hashBefore.Length)], clips.ManifestHash[..HashDigits]);
        if (countBefore > 0 && countBefore != clips.Count)
            yield return new ConfigChange($"number of {what}", $"{countBefore}", $"{clips.Count}");
    }

    /// <summary>The batches of this run.</summary>
    /// <param name="hintAt">The hint ratio of (epoch, batch).</param>
    public BatchPipeline Pipeline(Func<int, int, double> hintAt) =>
        new(Source, Config.Batches(Normalisation, hintAt, Group) with { Noise = Noise }, BadFiles);

    /// <summary>What batches of held-out clips are made of: as those of the run, with masks that go by nothing, each clip once.</summary>
    /// <param name="size">Clips of a batch.</param>
    public BatchOptions ValidationBatches(int size) => Config.Batches(Normalisation, (_, _) => HintRatio.Random, TrainingGroup.Alone) with
    {
        Noise = Noise,
        Share = null,
        BatchSize = size,
        MinClips = 0,
        Masking = KnownMaskings.Find("random").CreateDataStrategy(),
    };

    /// <summary>The encoder as it is now, for evaluations.</summary>
    public EncoderSnapshot Snapshot() => new(Model.Frozen, Normalisation, Config.LogMel);

    /// <summary>What a checkpoint says at a step.</summary>
    public CheckpointState StateAt(long step, long optimizerSteps) => new(
        CheckpointState.CurrentVersion, step, optimizerSteps, CheckpointState.ToDictionary(Config), Normalisation.Mean, Normalisation.Std, Source.Clips.ManifestHash,
        Source.Clips.Count, ProgramVersion.Current)
    {
        MaskNames = CheckpointState.CurrentMaskNames,
        LeftOut = LeftOutOf(Source),
        Noise = Noise is null ? null : new NoiseState(Noise.Mean, Noise.Source.Clips.ManifestHash, Noise.Source.Clips.Count) { LeftOut = LeftOutOf(Noise.Source) },
    };

    private static IReadOnlyList<LeftOutClip>? LeftOutOf(ClipSource source) => source.LeftOut is { Count: > 0 } leftOut ? leftOut : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        Model.Dispose();
        Source.Dispose();
        Noise?.Source.Dispose();
        HeldOut?.Dispose();
    }

    private static ClipSource OpenData(PretrainingConfig config) => ClipSource.Open(config.Data, new ClipSourceOptions(config.LogMel));

    private static NormalisationStatistics Measure(
        ClipSource source, PretrainingConfig config, BadFiles badFiles, ITrainingObserver observer, CancellationToken cancellation, TrainingGroup group) => NormalisationStatistics.Measure(
            source, config.Geometry, config.Seed, badFiles, config.ShortClips, group.Cores,
            new Relay<WorkProgress>(told => observer.Progress(told.Share)), cancellation, group);

    private static ClipSource? OpenHeldOut(PretrainingConfig config, OpenedSources opened, ClipSource learnt, TrainingGroup group)
    {
        if (config.Valid is not { } path || config.EvaluateEvery == 0 || !group.IsFirst)
            return null;
        ClipSource heldOut = opened.Add(ClipSource.Open(path, new ClipSourceOptions(config.LogMel)));
        ValidationLoss.RequireApart(path, heldOut.Clips, learnt.Clips);
        return heldOut;
    }

    private static NoiseMix? OpenNoise(PretrainingConfig config, OpenedSources opened, Func<ClipSource, float> meanOf)
    {
        if (config.Noise is not { } path)
            return null;
        ClipSource source = opened.Add(ClipSource.Open(path, new ClipSourceOptions(config.LogMel)));
        return new NoiseMix(source, meanOf(source), config.NoiseRatio);
    }

    private TrainingSetup OrDispose(Action prepare)
    {
        try
        {
            prepare();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void ChooseAndPlan(ITrainingObserver observer, CancellationToken cancellation)
    {
        // All begin with the same bits, whatever drew or read them.
        foreach (ParameterSet parameters in ((ParameterSet[])[Model.Trained, Model.Following]).Where(parameters => parameters.Count > 0))
            Group.TakeFromFirst(parameters.Values);
        // A run that has begun in bfloat16 stays with whom it began with, so that it ends with the same bits.
        if (From?.State.ParsedConfig.Precision != Precision.Bf16)
            Config = Config.ResolveBf16By(Model, observer.Note, cancellation);
        if (Config.Precision == Precision.Auto)
            observer.Stage("timing fp32 and bf16");
        (Config, PrecisionChoice? choice) = Config.ResolvePrecision(Model, cancellation);
        if (choice is not null)
            observer.Choice(choice);
        Config = Config.AsToldByFirst(Group);
        Plan(observer, cancellation);
    }

    /// <summary>Times a few steps that change nothing, and resolves the length of the run to steps.</summary>
    private void Plan(ITrainingObserver observer, CancellationToken cancellation)
    {
        BatchPipeline pipeline = Pipeline((_, _) => 1);
        if (Config is { Minutes: null, Steps: null, Epochs: null })
            Config = Config with { Epochs = PublishedEpochs };
        long done = From?.State.Step ?? 0;
        if (Config.Minutes is null && StepsOf(pipeline) == done)
        {
            TotalSteps = done;
            observer.Stage($"all {done} steps are done already");
            return;
        }
        observer.Stage("timing a few steps");
        double seconds = TimeSteps(pipeline, cancellation);
        if (Config.Minutes is { } minutes)
            Config = Config with { Minutes = null, Steps = Group.ToldNumber(() => Math.Max(1, (long)(minutes * 60 / seconds))) };
        TotalSteps = StepsOf(pipeline);
        if (TotalSteps > PretrainingConfig.MostSteps || TotalSteps * Config.Accumulate / pipeline.StepsPerEpoch > int.MaxValue)
            throw new UserErrorException($"a run of {TotalSteps} steps, {pipeline.StepsPerEpoch} batches an epoch, is longer than can be counted; give it fewer epochs or minutes, or at most {PretrainingConfig.MostSteps} steps");
        if (From is not null)
            new Resumption(From.Path, done).RequireAtMost(TotalSteps);
        using Process process = Process.GetCurrentProcess();
        observer.Estimate(new RunEstimate(TotalSteps - done, seconds, process.PeakWorkingSet64, Model.Trained.Count, TorchRuntime.PeakMemoryOf(Model.Device)));
    }

    private long StepsOf(BatchPipeline pipeline) => Config.Steps ?? Math.Max(1, (long)Config.Epochs! * pipeline.StepsPerEpoch / Config.Accumulate);

    /// <summary>Seconds of one step: the slower of computing it and loading its data.</summary>
    private double TimeSteps(BatchPipeline pipeline, CancellationToken cancellation)
    {
        using var optimizer = Config.CreateOptimizer(Model);
        using var training = new TrainingStep(Model, optimizer, Config.Precision, Config.ClipNorm, Masking.CreateFeatureStrategy(), Group) { Bf16By = Config.Bf16By };
        using BatchReader<MaskedBatch> reader = pipeline.Read(cancellation: cancellation);
        double computing = double.MaxValue;
        for (int i = 0; i < TimedSteps; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using MaskedBatch batch = reader.Next() ?? throw new InvalidOperationException("the pipeline gave no batch");
            long begin = Stopwatch.GetTimestamp();
            // A rate of 0 and an EMA decay of 1 leave parameters and target network as they are, to the bit.
            training.Run([batch], learningRate: 0, emaDecay: 1);
            computing = Math.Min(computing, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }
        double loading = reader.Waited.TotalSeconds / TimedSteps;
        return Math.Max(computing, loading) * Config.Accumulate;
    }
}

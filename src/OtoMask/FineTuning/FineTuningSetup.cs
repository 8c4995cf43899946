using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.FineTuning;

/// <summary>What a fine-tuning stands on: the task, its parts, the model and the state to begin from.</summary>
public sealed class FineTuningSetup : IDisposable
{
    private FineTuningSetup(TrainingGroup group, FineTuningConfig config, LabelledTask task, Classifier model, FineTunedState state, FineTunedCheckpoint? from)
    {
        (Group, Config, Task, Model, State, From) = (group, config, task, model, state, from);
        Parts = TaskParts.Of(task, config);
        Input = state.InputOfModel();
        Clips = new TaskClips(task, Input.LogMel, Input.UnitSamples);
        Batches = new ClassBatches(new TrainingClips(task, Parts.Train, Input, config.Seed, Clips.Unreadable), task.Classes.Count, Input, config, group);
        RequireMemory();
        RequireAlike();
    }

    /// <summary>The processes that share every batch.</summary>
    public TrainingGroup Group { get; }

    /// <summary>The configuration, resolved.</summary>
    public FineTuningConfig Config { get; private set; }

    /// <summary>The task.</summary>
    public LabelledTask Task { get; }

    /// <summary>The model to train.</summary>
    internal Classifier Model { get; }

    /// <summary>What the model takes.</summary>
    internal ClassifierInput Input { get; }

    /// <summary>The checkpoint that the run goes on from, or null.</summary>
    public FineTunedCheckpoint? From { get; }

    /// <summary>What is otherwise from now on than it was up to <see cref="From"/>.</summary>
    public IReadOnlyList<ConfigChange> Changes { get; private init; } = [];

    /// <summary>Clips that could not be read so far.</summary>
    public BadFiles BadFiles => Clips.Unreadable;

    /// <summary>Clips of each part, as the task marks them or as they were drawn.</summary>
    public ClipCounts Counts => new(Parts.Train.Length, Config.Mode == FineTuningMode.Strict ? Parts.Choose.Length : 0, Parts.Test.Length, BadFiles.Count);

    /// <summary>Clips of a step.</summary>
    internal int StepClips => Batches.BatchSize;

    /// <summary>SHA-256 of the task's CSV: what a score is tied to.</summary>
    internal string TaskHash => State.TaskHash;

    /// <summary>Where the data fell short of the protocol, one line each.</summary>
    public IReadOnlyList<string> Notes => Parts.Note is { } note ? [note] : [];

    /// <summary>Why the score will be worth less than the protocol's, one line each.</summary>
    internal IReadOnlyList<string> Shortcomings =>
        [.. Notes, .. Config.Mode == FineTuningMode.SelectOnTest ? (string[])["the best epoch is chosen on the test clips, so its score is optimistic; `mode` strict does not"] : []];

    /// <summary>What the beginning of a run, or going on with it, warns of, but for <see cref="Changes"/>.</summary>
    internal IReadOnlyList<string> Warnings
    {
        get => From is null ? Shortcomings : field;
        private init;
    } = [];

    /// <summary>Optimiser steps of the whole run.</summary>
    public long TotalSteps => (long)Config.Epochs * Batches.StepsPerEpoch;

    internal TaskParts Parts { get; }

    internal TaskClips Clips { get; }

    internal ClassBatches Batches { get; }

    internal FineTunedState State { get; private set; }

    /// <summary>Reads the task of a new run, and gives the encoder of a model a head.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="saved">The model at <see cref="FineTuningConfig.Checkpoint"/>.</param>
    /// <param name="observer">Is told who computes bfloat16, where that has to be measured; or null.</param>
    /// <param name="cancellation">Stops the preparation.</param>
    /// <param name="group">The processes that share every batch, all of which call this; null = this one alone.</param>
    /// <exception cref="UserErrorException">The configuration, the task or the model is impossible, or not the same in all processes.</exception>
    public static FineTuningSetup Begin(
        FineTuningConfig config, SavedModel saved, ITrainingObserver? observer = null, CancellationToken cancellation = default, TrainingGroup? group = null)
    {
        group ??= TrainingGroup.Alone;
        (Device device, LabelledTask task) = Look(config, group);
        using EncoderSnapshot encoder = saved.LoadEncoder(device);
        return Build(config, task, encoder, device, observer, cancellation, group);
    }

    /// <summary>The same with an encoder that is at hand; the caller's to dispose of.</summary>
    internal static FineTuningSetup BeginWith(EncoderSnapshot encoder, FineTuningConfig config, ITrainingObserver observer, CancellationToken cancellation)
    {
        (Device device, LabelledTask task) = Look(config, TrainingGroup.Alone);
        return Build(config, task, encoder, device, observer, cancellation, TrainingGroup.Alone);
    }

    private static FineTuningSetup Build(
        FineTuningConfig config, LabelledTask task, EncoderSnapshot encoder, Device device, ITrainingObserver? observer, CancellationToken cancellation, TrainingGroup group)
    {
        var input = ClassifierInput.Of(encoder, config.Seconds);
        ClipFeature feature = FeatureOf(config);
        var state = new FineTunedState(
            FineTunedState.CurrentVersion, 0, 0, FineTuningKeys.All.ToDictionary(config), encoder.Encoder.Shape.Encoder.ToString(),
            encoder.Input.InputText, encoder.Input.PatchText, encoder.LogMel, input.UnitSamples,
            encoder.Statistics.Mean, encoder.Statistics.Std, feature, [.. task.Classes], task.IsMultiLabel, InputFile.HashOf(task.CsvPath), null, ProgramVersion.Current);
        return Owning(new Classifier(state.ShapeOfModel(), feature, task.Classes.Count, config.Seed, device), model =>
        {
            model.Positions.TakeOver(encoder.Encoder.Positions);
            if (config.Start == StartingWeights.Trained)
                ModelWeights.Copy(encoder.Encoder.Parameters, model.Trained.Parameters);
            var setup = new FineTuningSetup(group, config, task, model, state, from: null);
            setup.BeginAlike();
            setup.ChooseWhoComputes(observer, cancellation);
            return setup;
        });
    }

    /// <summary>Prepares to go on with a run.</summary>
    /// <param name="from">Where it goes on.</param>
    /// <param name="config">How it is to go on.</param>
    /// <param name="accept">Is shown what of the configuration has changed so that results change, and refuses it by an exception; not called where nothing has.</param>
    /// <param name="observer">Is told what has changed.</param>
    /// <param name="group">As for <see cref="Begin"/>; it need not be as large as before.</param>
    /// <exception cref="UserErrorException">The task is another, or what has changed leaves no run to go on with.</exception>
    public static FineTuningSetup Resume(
        FineTunedCheckpoint from, FineTuningConfig config, Action<IReadOnlyList<ConfigChange>> accept, ITrainingObserver observer, TrainingGroup? group = null)
    {
        group ??= TrainingGroup.Alone;
        (Device device, LabelledTask task) = Look(config, group);
        FineTunedState state = from.State;
        if (InputFile.HashOf(task.CsvPath) != state.TaskHash)
            throw new UserErrorException(
                $"{config.Task} is not the task that {from.Path} was trained on, or has changed since, so nothing tells which of its clips the run has learnt from; put the file back or start a new run");
        ConfigChange[] changes = [.. ConfigChange.Between(FineTuningKeys.All, state.ParsedConfig, config)];
        RequireSettled(from, config, changes);
        if (changes.Length > 0)
            accept(changes);
        var resumption = new Resumption(from.Path, state.Step);
        IReadOnlyList<string> warnings = resumption.Tell(changes, state.Program, observer);
        state = state with { Config = FineTuningKeys.All.ToDictionary(config), Program = ProgramVersion.Current };
        return Owning(from.LoadModel(device), model =>
        {
            var setup = new FineTuningSetup(group, config, task, model, state, from) { Changes = changes, Warnings = warnings };
            setup.BeginAlike();
            resumption.RequireAtMost(setup.TotalSteps);
            // A run that has begun in bfloat16 stays with whom it began with, so that it ends with the same bits.
            if (from.State.ParsedConfig.Precision != Precision.Bf16)
                setup.ChooseWhoComputes(observer, CancellationToken.None);
            return setup;
        });
    }

    /// <summary>What the user can mend of a configuration is said before a model is read.</summary>
    private static (Device Device, LabelledTask Task) Look(FineTuningConfig config, TrainingGroup group) =>
        (group.DeviceOf(config.Validate().Device).Having(config.Precision), LabelledTask.Read(config.Task));

    /// <summary>Factor on the learning rate of a parameter: less for each block further from the head, none for what is frozen.</summary>
    internal double RateOf(Parameter parameter)
    {
        bool isPatchEmbedding = parameter.Name.StartsWith("patch_embed.", StringComparison.Ordinal);
        if (isPatchEmbedding && Config.FreezePatchEmbedding)
            return 0;
        int last = Model.Shape.Encoder.Depth + 1;
        int layer = isPatchEmbedding || parameter.Name == "cls_token" || parameter.Name.StartsWith("norm" + BlockStack.BeforeBlocks, StringComparison.Ordinal) ? 0
            : parameter.Name.Split('.') is ["blocks", var block, ..] ? 1 + int.Parse(block)
            : last;
        return Math.Pow(Config.LayerDecay, last - layer);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    /// <summary>Refuses processes that would train something else each. Where task and model lie is each one's own affair.</summary>
    private void RequireAlike()
    {
        if (Group.IsAlone)
            return;
        TrainingSetup.RequireSameProgram(Group);
        Group.RequireAlike("configuration", ConfigFile.ToYaml(Config with { Checkpoint = "-", Task = "-", Workers = 0 }, FineTuningKeys.All));
        Group.RequireAlike("task", TaskHash);
        Group.RequireAlike("model", $"{State.Encoder} {State.Input} {State.Patch} {State.LogMel} {State.UnitSamples} {State.Mean:R} {State.Std:R}");
    }

    /// <summary>Has all begin with the same bits, whatever drew or read them.</summary>
    private void BeginAlike()
    {
        foreach (Tensor values in (IEnumerable<Tensor>)[Model.Trained.Values, Model.Positions.Values, .. Model.Running.Select(pair => pair.Values)])
            Group.TakeFromFirst(values);
    }

    /// <summary>Resolves who computes bfloat16 products, where two can.</summary>
    private void ChooseWhoComputes(ITrainingObserver? observer, CancellationToken cancellation)
    {
        Bf16Choice Time() => Bf16Choice.Measure(
            Batches.Share, clips => ModelMemory.Fits(some => MemoryOf(some, Bf16By.Aten), clips), (by, clips) => StepRace.SecondsOf(Model, by, clips, GivenPatches), cancellation);
        Bf16By? by = Bf16Choice.For(Config.Bf16By, Config.Precision, Model.Device, Time, line => observer?.Note(line));
        Config = Config with { Bf16By = Group.Told(() => by?.ToString()) is { } told ? Enum.Parse<Bf16By>(told) : null };
        State = State with { Config = FineTuningKeys.All.ToDictionary(Config) };
    }

    /// <summary>Refuses a step that does not fit in the memory of this machine. On another device nothing is known.</summary>
    /// <exception cref="UserErrorException">It does not fit; the message says what to lower.</exception>
    private void RequireMemory()
    {
        if (!Model.Device.IsCpu)
            return;
        ModelMemory.Require(
            $"a step of {StepClips} clips of {Input.Geometry.InputText} in {Input.Geometry.Grid.Count} patches", clips => Group.LocalSize * MemoryOf(clips, Config.Bf16By), Batches.Share,
            $"lower batch or seconds{(Config.PatchOut == 0 ? ", or leave patches out (patch-out)" : "")}");
    }

    /// <summary>Bytes that a step over so many clips certainly takes on the CPU.</summary>
    private long MemoryOf(long clips, Bf16By? by) => ModelMemory.Here(Config.Precision.Type(), by: by)
        .FineTuning(Model.Shape, clips, 1 + GivenPatches, Input.UnitSamples, ClassBatches.Prefetch + 1);

    /// <summary>Patches of a clip that a step is given.</summary>
    private int GivenPatches => Input.Geometry.Grid.VisibleCount(Config.PatchOut);

    /// <summary>What the head sees: where patches are left out, no band has all of its own.</summary>
    private static ClipFeature FeatureOf(FineTuningConfig config) => config.PatchOut > 0 ? ClipFeature.Flat : ClipFeature.PerBand;

    private static void RequireSettled(FineTunedCheckpoint from, FineTuningConfig config, IReadOnlyList<ConfigChange> changes)
    {
        ConfigChange[] settled = [.. changes.Where(change => FineTuningKeys.All.Named(change.Key).IsSettled || (change.Key == FineTuningKeys.PatchOut && FeatureOf(config) != from.State.Feature))];
        if (settled.Length > 0)
            throw new UserErrorException(
                $"{from.Path} belongs to a run that was begun otherwise: {string.Join(", ", settled.AsEnumerable())}, which nothing can force; leave that as it was, or start a new run");
    }

    private static FineTuningSetup Owning(Classifier model, Func<Classifier, FineTuningSetup> build)
    {
        try
        {
            return build(model);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

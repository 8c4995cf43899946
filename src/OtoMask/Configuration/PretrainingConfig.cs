using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Torch;

namespace OtoMask.Configuration;

/// <summary>
/// Everything that decides what a run computes. Written in full to the run folder; <see cref="ConfigKeys"/> names every value once
/// for YAML and the command line. Defaults are the published recipe (docs/method.md section 6), made relative where runs may be short.
/// </summary>
public sealed record PretrainingConfig
{
    /// <summary>Optimiser steps of the longest run.</summary>
    public const int MostSteps = 1_000_000_000;

    // What is not said is the framework's, whichever that turns out to be.
    private readonly double? baseLearningRate, warmup, clipNorm, emaStart, emaEnd, emaRamp, utteranceWeight;
    private readonly int? clones;

    /// <summary>Folder of audio or .npy log-mels, CSV with file_name, or prepared cache.</summary>
    public string Data { get; init; } = "";

    /// <summary>Model on disk whose weights the run begins with (<see cref="FurtherPretraining"/>), or null for first values of its own.</summary>
    public string? From { get; init; }

    /// <summary>How the hidden patches are predicted.</summary>
    public Framework Framework { get; init; } = KnownFrameworks.M2d;

    /// <summary>Named size of encoder and decoder.</summary>
    public string Size { get; init; } = "tiny";

    /// <summary>Encoder of a size of its own; null = that of <see cref="Size"/>.</summary>
    public BlockShape? Encoder { get; init; }

    /// <summary>Decoder or predictor of a size of its own; null = that of <see cref="Size"/>.</summary>
    public BlockShape? Decoder { get; init; }

    /// <summary>Sampling rate in Hz, 16000 or 32000.</summary>
    public int SampleRate { get; init; } = 16000;

    /// <summary>Mel bands x frames, for example 80x608 (6.08 s).</summary>
    public string Input { get; init; } = "80x608";

    /// <summary>Mel bands x frames of a patch.</summary>
    public string Patch { get; init; } = "16x16";

    /// <summary>Name of the masking strategy.</summary>
    public string Mask { get; init; } = "dwm";

    /// <summary>Patches of a block, of strategies that are made of such; null = 5 x 5.</summary>
    public MaskBlock? MaskBlock { get; init; }

    /// <summary>Share of patches to mask; null = the framework's.</summary>
    public double? MaskRatio { get; init; }

    /// <summary>Hint schedule of strategies that use one.</summary>
    public HintSchedule Hint { get; init; } = HintSchedule.Default;

    /// <summary>Length of the run in epochs; one of the three lengths is set.</summary>
    public int? Epochs { get; init; }

    /// <summary>Length of the run in optimiser steps.</summary>
    public long? Steps { get; init; }

    /// <summary>Length of the run in minutes, turned into steps by timing a few.</summary>
    public double? Minutes { get; init; }

    /// <summary>B, clips in a batch.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Batches whose gradients make one optimiser step.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Precision of the matrix products; <see cref="Precision.Auto"/> is resolved before the first step.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Who computes bfloat16 products on the processor; null = the kernels, or on a processor with AMX whoever is faster there, which is resolved before the first step.</summary>
    public Bf16By? Bf16By { get; init; }

    /// <summary>Precision of AdamW's moments, <see cref="Precision.Fp32"/> or <see cref="Precision.Bf16"/>.</summary>
    public Precision Moments { get; init; } = Precision.Fp32;

    /// <summary>Precision of the gradients, <see cref="Precision.Fp32"/> or <see cref="Precision.Bf16"/>: the second rounds their sum after each of
    /// the batches of <see cref="Accumulate"/>.</summary>
    public Precision Gradients { get; init; } = Precision.Fp32;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Learning rate for an effective batch of 256.</summary>
    public double BaseLearningRate { get => baseLearningRate ?? Framework.Recipe.BaseLearningRate; init => baseLearningRate = value; }

    /// <summary>Share of the run that warms up.</summary>
    public double Warmup { get => warmup ?? Framework.Recipe.Warmup; init => warmup = value; }

    /// <summary>AdamW's decay of matrices.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Largest global gradient norm.</summary>
    public double ClipNorm { get => clipNorm ?? Framework.Recipe.ClipNorm; init => clipNorm = value; }

    /// <summary>tau of the target network at the first step.</summary>
    public double EmaStart { get => emaStart ?? Framework.Recipe.EmaStart; init => emaStart = value; }

    /// <summary>tau once it moves no more.</summary>
    public double EmaEnd { get => emaEnd ?? Framework.Recipe.EmaEnd; init => emaEnd = value; }

    /// <summary>Share of the run over which tau moves.</summary>
    public double EmaRamp { get => emaRamp ?? Framework.Recipe.EmaRamp; init => emaRamp = value; }

    /// <summary>K, masks of each clip, each seen by a clone of it; of frameworks without clones what they ask for.</summary>
    public int Clones { get => Framework.HasClones ? clones ?? Framework.MasksPerClip : Framework.MasksPerClip; init => clones = value; }

    /// <summary>Blocks of the target network, from 1, whose outputs are averaged to be predicted; null = those of the framework: of M2D the last, of EAT all.</summary>
    public TargetLayers? TargetLayers { get; init; }

    /// <summary>How much a loss about the whole clip counts beside that about patches; 0 of frameworks that have none.</summary>
    public double UtteranceWeight { get => Framework.UtteranceWeight is { } own ? utteranceWeight ?? own : 0; init => utteranceWeight = value; }

    /// <summary>Small sets are repeated to this many clips an epoch.</summary>
    public int MinClips { get; init; } = 10_000;

    /// <summary>What follows a clip shorter than the input.</summary>
    public ShortClips ShortClips { get; init; } = ShortClips.Silence;

    /// <summary>Background noise to mix under the visible patches: like <see cref="Data"/>; null = none.</summary>
    public string? Noise { get; init; }

    /// <summary>Share of the noise's power in the mixture.</summary>
    public double NoiseRatio { get; init; } = 0.2;

    /// <summary>Where the model lives: cpu, cuda, cuda:1.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Whether blocks keep only their input for the backward pass: less memory, more time, the same results.</summary>
    public bool CheckpointActivations { get; init; }

    /// <summary>Loader threads; 0 = automatic.</summary>
    public int Workers { get; init; }

    /// <summary>Epochs between checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 10;

    /// <summary>Newest checkpoints to keep.</summary>
    public int KeepLast { get; init; } = 3;

    /// <summary>Checkpoints of every so many epochs are kept for ever; 0 = only the newest are.</summary>
    public int KeepEvery { get; init; }

    /// <summary>Epochs between evaluations; 0 = never.</summary>
    public int EvaluateEvery { get; init; } = 10;

    /// <summary>Labelled task (CSV) for k-NN accuracy during training, or none.</summary>
    public string? Task { get; init; }

    /// <summary>Clips that are held back (like <see cref="Data"/>), whose loss is measured at every evaluation; null = none.</summary>
    public string? Valid { get; init; }

    /// <summary>Input and patches as numbers.</summary>
    public InputGeometry Geometry => InputGeometry.Parse(Input, Patch);

    /// <summary>The front end of <see cref="SampleRate"/>.</summary>
    public LogMelSettings LogMel => LogMelSettings.Of(SampleRate, Geometry.Bands);

    /// <summary>The masking strategy.</summary>
    internal MaskingInfo Masking => KnownMaskings.Find(Mask).InBlocks(MaskBlock);

    /// <summary>Share of patches to mask.</summary>
    public double ResolvedMaskRatio => MaskRatio ?? Framework.MaskRatio;

    /// <summary>Lv, visible patches of a mask.</summary>
    public int VisiblePatches => Geometry.Grid.VisibleCount(ResolvedMaskRatio);

    /// <summary>AdamW's peak step length: base * effective batch / 256.</summary>
    public double PeakLearningRate => BaseLearningRate * Batch * Accumulate / 256;

    /// <summary>Sizes of the model.</summary>
    public ModelShape ModelShape => new(Geometry, Encoder ?? KnownSizes.Encoder(Size), Decoder ?? Framework.Decoder(Size));

    /// <summary>Bytes that a step over so many clips at once certainly takes on the CPU.</summary>
    internal long MemoryOf(long clips)
    {
        // What auto stands for is measured later; it takes no less than bfloat16.
        var memory = ModelMemory.Here(Precision is Precision.Fp32 or Precision.Tf32 ? DType.Float32 : DType.BFloat16, CheckpointActivations, Bf16By);
        int perParameter = sizeof(float) + Gradients.Bytes() + 2 * Moments.Bytes();
        return memory.Training(
            Framework, ModelShape, clips, VisiblePatches, Clones, perParameter, BatchOptions.DefaultPrefetch + Accumulate, Masking.CreateFeatureStrategy() is not null);
    }

    /// <summary>Refuses a step that does not fit in the memory of this machine, before anything of it is made. On another device nothing is known.</summary>
    /// <param name="processes">Processes on this machine that share every batch with others.</param>
    /// <param name="clips">Clips of the batch that this one computes; null = all.</param>
    /// <exception cref="UserErrorException">It does not fit; the message says what to lower.</exception>
    internal void RequireMemory(int processes = 1, int? clips = null)
    {
        if (!new Device(Device).IsCpu)
            return;
        ModelMemory.Require(
            $"a step of {Batch} clips of {Input} in {ModelShape.PatchCount} patches of {Patch}", share => processes * MemoryOf(share), clips ?? Batch,
            $"lower batch (accumulate keeps the effective one) or input, or take a larger patch{(CheckpointActivations ? "" : ", or checkpoint-activations true")}");
    }

    /// <summary>The same with who computes its bfloat16 products: whom it names, or whoever is faster where two can; null where nothing is to choose.</summary>
    /// <param name="model">Its model; the gradients are zero before and after.</param>
    /// <param name="tell">Is told what was measured, if anything was.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    internal PretrainingConfig ResolveBf16By(MaskedModel model, Action<string> tell, CancellationToken cancellation) =>
        this with { Bf16By = Bf16Choice.For(Bf16By, Precision, model.Device, () => TimeBf16(model, cancellation), tell) };

    /// <summary>The same with what precision <c>auto</c> stands for, and what was measured for it; null where the precision is named.</summary>
    /// <param name="model">Its model; the gradients are zero before and after.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    internal (PretrainingConfig Config, PrecisionChoice? Choice) ResolvePrecision(MaskedModel model, CancellationToken cancellation)
    {
        if (Precision != Precision.Auto)
            return (this, null);
        PrecisionChoice choice = PrecisionChoice.Measure(model, Batch, VisiblePatches, Clones, Bf16By, cancellation);
        return (this with { Precision = choice.Faster, Bf16By = choice.Faster == Precision.Bf16 ? Bf16By : null }, choice);
    }

    /// <summary>Times both who can compute bfloat16 products.</summary>
    /// <param name="model">Its model; the gradients are zero before and after.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    internal Bf16Choice TimeBf16(MaskedModel model, CancellationToken cancellation) => Bf16Choice.Measure(
        Batch, clips => ModelMemory.Fits((this with { Precision = Precision.Bf16, Bf16By = Models.Bf16By.Aten }).MemoryOf, clips),
        (by, clips) => StepRace.SecondsOf(model, Precision.Bf16, by, clips, VisiblePatches, Clones), cancellation);

    /// <summary>What the batches of a run are made of, without noise.</summary>
    /// <param name="normalisation">Mean and deviation of the data.</param>
    /// <param name="hintRatio">The hint ratio of (epoch, batch).</param>
    /// <param name="group">The processes that share every batch.</param>
    internal BatchOptions Batches(NormalisationStatistics normalisation, Func<int, int, double> hintRatio, TrainingGroup group) => new()
    {
        Share = group.Share(Batch),
        Cores = group.Cores,
        Geometry = Geometry,
        BatchSize = Batch,
        Seed = Seed,
        Normalisation = normalisation,
        Masking = Masking.CreateDataStrategy(),
        MasksPerClip = Clones,
        ReadsWholeClip = Framework.ReadsWholeClip,
        MaskRatio = ResolvedMaskRatio,
        HintRatio = hintRatio,
        MinClips = MinClips,
        ShortClips = ShortClips,
        Workers = Workers,
    };

    /// <summary>The same with what the first of several processes has measured: timings differ, and all must compute alike.</summary>
    internal PretrainingConfig AsToldByFirst(TrainingGroup group) => group.Told(() => $"{Precision} {Bf16By}")?.Split(' ') is [var precision, var by]
        ? this with { Precision = Enum.Parse<Precision>(precision), Bf16By = by.Length > 0 ? Enum.Parse<Bf16By>(by) : null }
        : this;

    /// <summary>The same with what a run that began with it has found out since: its length in steps, its precision and who computes it.</summary>
    /// <param name="run">The configuration of that run.</param>
    internal PretrainingConfig AsResolved(PretrainingConfig run) => this with
    {
        Steps = Minutes is null ? Steps : run.Steps,
        Epochs = this is { Minutes: null, Steps: null, Epochs: null } ? run.Epochs : Epochs,
        Minutes = null,
        Precision = Precision == Precision.Auto ? run.Precision : Precision,
        Bf16By = Bf16By ?? run.Bf16By,
    };

    /// <summary>Has a model learn as the configuration says.</summary>
    internal void Settle(MaskedModel model) => (model.CheckpointActivations, model.UtteranceWeight, model.TargetLayers) = (CheckpointActivations, UtteranceWeight, TargetLayers);

    /// <summary>The optimiser of a model, at its beginning.</summary>
    internal AdamW CreateOptimizer(MaskedModel model) =>
        new(model.Trained, WeightDecay, model.Followers, Moments.Type());

    /// <summary>Refuses impossible values before any work.</summary>
    /// <exception cref="UserErrorException">Names the value and what to do.</exception>
    public PretrainingConfig Validate()
    {
        Require(Data.Length > 0, "no data: name a folder or CSV as `data`");
        Require(new object?[] { Epochs, Steps, Minutes }.Count(length => length is not null) <= 1, "epochs, steps and minutes are three ways to give one length: choose one");
        ConfigKeys.All.RequireInRange(this);
        ValidateModel();
        Require((long)Batch * Geometry.InputSize <= Array.MaxLength, $"batch {Batch} of input {Input} is too large for one array; choose a smaller batch, with `accumulate` for more clips a step");
        long noise = (long)Batch * Clones * (ModelShape.PatchCount - VisiblePatches) * (Framework.MaskNoise(ModelShape)?.Width ?? 0);
        Require(noise <= Array.MaxLength, $"batch {Batch} of {Clones} clones is too large for one array; choose a smaller batch or fewer clones, with `accumulate` for more clips a step");
        Precision.RequireOn(new Device(Device));
        MaskingGeometry.Validate(Masking, Geometry.Grid, ResolvedMaskRatio);
        return this;
    }

    /// <summary>Refuses impossible values among those that say what the model is.</summary>
    /// <exception cref="UserErrorException">Names the value and what to do.</exception>
    internal void ValidateModel()
    {
        _ = KnownSizes.Encoder(Size); // also where encoder and decoder leave it no effect
        if (Framework.Impossible(ModelShape) is { } reason)
            throw new UserErrorException(reason);
        ModelShape.Validate();
        _ = LogMel;
        if (Framework.HasTarget && TargetLayers?.Last > ModelShape.Encoder.Depth)
            throw new UserErrorException($"target-layers {TargetLayers}: the target network has {ModelShape.Encoder.Depth} blocks");
    }

    /// <summary>Whether another one says the same: every key of it has the same value.</summary>
    public bool Equals(PretrainingConfig? other) => other is not null && ConfigKeys.All.All(key => key.Get(this) == key.Get(other));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Data, Framework, Mask, Seed);

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new UserErrorException(message);
    }
}

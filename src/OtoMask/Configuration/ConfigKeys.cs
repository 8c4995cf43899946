using System.Globalization;
using OtoMask.Data;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Torch;
using static OtoMask.Configuration.ConfigText;

namespace OtoMask.Configuration;

/// <summary>Every value of the configuration, declared once for YAML and the command line.</summary>
internal static class ConfigKeys
{
    private const string Length = "length";

    /// <summary>What <c>bf16-by</c> decides.</summary>
    internal const string Bf16ByHelp = "who computes bfloat16 products on the processor (default: the kernels; on a processor with AMX both are timed and the faster is taken)";

    /// <summary>Numbers of epochs.</summary>
    internal static readonly NumberRange Epochs = new(1, 1_000_000);

    /// <summary>Numbers of clips in a batch.</summary>
    internal static readonly NumberRange Batches = new(1, 16_384);

    /// <summary>Learning rates and norms; far beyond what trains, and within float32.</summary>
    internal static readonly NumberRange Rates = Positive(1e30);

    /// <summary>All keys in the order of a configuration file.</summary>
    public static IReadOnlyList<ConfigKey<PretrainingConfig>> All { get; } =
    [
        new("data", "PATH", "folder of audio or .npy log-mels, CSV with a file_name column, or prepared cache", c => c.Data, (c, v) => c with { Data = v }) { IsPlace = true },
        new("from", "CHECKPOINT", "begin with the weights of this model (run folder, checkpoint, .pth, .safetensors): further pre-training", c => c.From, (c, v) => c with { From = v }),
        new("framework", string.Join("|", KnownFrameworks.Names), "how hidden patches are predicted", c => c.Framework.Name, (c, v) => c with { Framework = OneOf("framework", v, [.. KnownFrameworks.All.Select(framework => (framework.Name, framework))]) }),
        new("size", "tiny|small|base|large", "size of encoder and decoder", c => c.Size, (c, v) => c with { Size = v }) { Idle = c => c is { Encoder: not null, Decoder: not null } && KnownSizes.Names.Contains(c.Size) ? $"encoder {c.Encoder} and decoder {c.Decoder} are given by themselves" : null },
        new("encoder", "WIDTH/DEPTH/HEADS", "encoder of a size of its own; with /post-norm its norms follow the sums, as in EAT's published one", c => c.Encoder?.ToString(), (c, v) => c with { Encoder = Shape("encoder", v) }),
        new("decoder", "WIDTH/DEPTH/HEADS", "decoder or predictor of a size of its own (of eat: width, layers, groups of channels)", c => c.Decoder?.ToString(), (c, v) => c with { Decoder = Shape("decoder", v) }),
        new("sample-rate", "16000|32000", "sampling rate in Hz", c => Text(c.SampleRate), (c, v) => c with { SampleRate = Whole("sample-rate", v) }),
        new("input", "80x608", "mel bands x frames (100 frames a second) of the input", c => c.Input, (c, v) => c with { Input = v }),
        new("patch", "16x16", "mel bands x frames of a patch", c => c.Patch, (c, v) => c with { Patch = v }),
        new("mask", "NAME", "masking strategy: " + string.Join(", ", KnownMaskings.All.Select(masking => masking.Name)), c => c.Mask, (c, v) => c with { Mask = v }),
        new("mask-block", "ROWSxCOLUMNS", "patches of a block of inverse-block and block, along frequency x along time (default 5x5)", c => c.MaskBlock?.ToString(), (c, v) => c with { MaskBlock = MaskBlock.Parse(v) }) { Idle = c => KnownMaskings.Find(c.Mask).OfBlocks is null ? $"mask {c.Mask} is not made of blocks of one size" : null },
        new("mask-ratio", "0..1", $"share of patches to hide (default {string.Join(", ", KnownFrameworks.All.Select(framework => FormattableString.Invariant($"{framework.MaskRatio:.##} for {framework.Name}")))})", c => Text(c.MaskRatio), (c, v) => c with { MaskRatio = Number("mask-ratio", v) }) { Range = NumberRange.TrueShare },
        new("clones", "N", "masks of each clip, each seen by a clone of it (default 16 of eat)", c => c.Framework.HasClones ? Text(c.Clones) : null, (c, v) => c with { Clones = Whole("clones", v) }) { Range = new(1, 1024), Idle = c => c.Framework.HasClones ? null : $"{c.Framework} has no clones" },
        new("hint-start", "0..1", "share of the run before masking becomes informed", c => Text(c.Hint.Start), (c, v) => c with { Hint = c.Hint with { Start = Number("hint-start", v) } }) { Range = NumberRange.Share, Idle = c => WithoutHint(c, HintUse.WarmUp) ?? ByConstantHint(c) },
        new("hint-power", "K", "k of the hint ratio 1 - (e/E)^k", c => Text(c.Hint.Power), (c, v) => c with { Hint = c.Hint with { Power = Number("hint-power", v) } }) { Range = Positive(1000), Idle = c => WithoutHint(c, HintUse.Trade) ?? ByConstantHint(c) },
        new("hint-constant", "0..1", "the same hint ratio throughout", c => Text(c.Hint.Constant), (c, v) => c with { Hint = c.Hint with { Constant = Number("hint-constant", v) } }) { Range = NumberRange.Share, Idle = c => WithoutHint(c, HintUse.WarmUp) },
        new("epochs", "N", "length in epochs; every schedule scales with the length (default 300)", c => Text(c.Epochs), (c, v) => c with { Epochs = Whole("epochs", v), Steps = null, Minutes = null }) { Range = Epochs, Says = Length },
        new("steps", "N", "length in optimiser steps", c => Text(c.Steps), (c, v) => c with { Epochs = null, Steps = Whole("steps", v), Minutes = null }) { Range = new(1, PretrainingConfig.MostSteps), Says = Length },
        new("minutes", "M", "length in minutes, turned into steps by timing a few", c => Text(c.Minutes), (c, v) => c with { Epochs = null, Steps = null, Minutes = Number("minutes", v) }) { Range = Positive(1_000_000), Says = Length },
        new("batch", "N", "clips in a batch", c => Text(c.Batch), (c, v) => c with { Batch = Whole("batch", v) }) { Range = Batches },
        new("accumulate", "N", "batches whose gradients make one step", c => Text(c.Accumulate), (c, v) => c with { Accumulate = Whole("accumulate", v) }) { Range = new(1, 4096) },
        new("precision", "fp32|tf32|bf16|auto", "precision of the matrix products; tf32 is of GPUs; auto times fp32 and bf16 and takes the faster", c => Name(c.Precision), (c, v) => c with { Precision = OneOf("precision", v, ("fp32", Precision.Fp32), ("tf32", Precision.Tf32), ("bf16", Precision.Bf16), ("auto", Precision.Auto)) }),
        new("bf16-by", "kernels|aten", Bf16ByHelp, c => Text(c.Bf16By), (c, v) => c with { Bf16By = Bf16By(v) }) { Idle = c => WithoutBf16(c.Precision, c.Device) },
        new("moments", "fp32|bf16", "precision of AdamW's two moments; bf16 halves the memory they take", c => Name(c.Moments), (c, v) => c with { Moments = Fixed("moments", v) }),
        new("gradients", "fp32|bf16", "precision of the gradients; bf16 halves the memory they take and rounds their sum after each batch", c => Name(c.Gradients), (c, v) => c with { Gradients = Fixed("gradients", v) }),
        new("seed", "N", "seed of everything random", c => c.Seed.ToString(CultureInfo.InvariantCulture), (c, v) => c with { Seed = Seed(v) }),
        new("base-lr", "RATE", "learning rate for an effective batch of 256", c => Text(c.BaseLearningRate), (c, v) => c with { BaseLearningRate = Number("base-lr", v) }) { Range = Rates },
        new("warmup", "0..1", "share of the run that warms up", c => Text(c.Warmup), (c, v) => c with { Warmup = Number("warmup", v) }) { Range = NumberRange.LessThanAll },
        new("weight-decay", "X", "decay of matrices", c => Text(c.WeightDecay), (c, v) => c with { WeightDecay = Number("weight-decay", v) }) { Range = new(0, 1_000_000) },
        new("clip", "NORM", "largest global gradient norm", c => Text(c.ClipNorm), (c, v) => c with { ClipNorm = Number("clip", v) }) { Range = Rates },
        new("utterance-weight", "X", "how much the loss of CLS counts beside that of the patches, both as means (default 192 of eat)", c => c.Framework.UtteranceWeight is null ? null : Text(c.UtteranceWeight), (c, v) => c with { UtteranceWeight = Number("utterance-weight", v) }) { Range = new(0, 1_000_000), Idle = c => c.Framework.UtteranceWeight is null ? $"{c.Framework} has no loss about the whole clip" : null },
        new("ema-start", "0..1", "how much of the target network stays at the first step", c => Text(c.EmaStart), (c, v) => c with { EmaStart = Number("ema-start", v) }) { Range = NumberRange.Share, Idle = WithoutTarget },
        new("ema-end", "0..1", "and once it moves no more", c => Text(c.EmaEnd), (c, v) => c with { EmaEnd = Number("ema-end", v) }) { Range = NumberRange.Share, Idle = WithoutTarget },
        new("ema-ramp", "0..1", "share of the run over which that moves", c => Text(c.EmaRamp), (c, v) => c with { EmaRamp = Number("ema-ramp", v) }) { Range = NumberRange.Share, Idle = WithoutTarget },
        new("target-layers", "LIST", "blocks of the target network, from 1, whose outputs are averaged to be predicted, for example 9,10,11,12 (default: of m2d the last one, of eat all)", c => c.Framework.HasTarget ? c.TargetLayers?.ToString() : null, (c, v) => c with { TargetLayers = TargetLayers.Parse(v) }) { Idle = WithoutTarget },
        new("min-clips", "N", "repeat small sets to this many clips an epoch", c => Text(c.MinClips), (c, v) => c with { MinClips = Whole("min-clips", v) }) { Range = new(0, 10_000_000) },
        new("short-clips", "silence|repeat", "what follows a clip shorter than the input", c => Name(c.ShortClips), (c, v) => c with { ShortClips = OneOf("short-clips", v, ("silence", ShortClips.Silence), ("repeat", ShortClips.Repeat)) }),
        new("noise", "PATH", "background noise (as data) to mix under the visible patches, so that clean sound is predicted from noisy", c => c.Noise, (c, v) => c with { Noise = v }),
        new("noise-ratio", "0..1", "share of the noise's power in the mixture (default 0.2)", c => c.Noise is null ? null : Text(c.NoiseRatio), (c, v) => c with { NoiseRatio = Number("noise-ratio", v) }) { Range = NumberRange.TrueShare, Idle = c => c.Noise is null ? "no noise is given" : null },
        new("device", "cpu|cuda:0", "where the model lives", c => new Device(c.Device).Name, (c, v) => c with { Device = new Device(v).Name }),
        new("checkpoint-activations", "true|false", "keep only the input of every block and compute it again in the backward pass: less memory, more time", c => Name(c.CheckpointActivations), (c, v) => c with { CheckpointActivations = YesOrNo("checkpoint-activations", v) }) { ChangesNoResult = true },
        new("workers", "N", "loader threads (0 = as many as the step needs)", c => Text(c.Workers), (c, v) => c with { Workers = Whole("workers", v) }) { Range = BatchOptions.WorkerRange, ChangesNoResult = true },
        new("checkpoint-every", "N", "epochs between checkpoints", c => Text(c.CheckpointEvery), (c, v) => c with { CheckpointEvery = Whole("checkpoint-every", v) }) { Range = Epochs, ChangesNoResult = true },
        new("keep-last", "N", "newest checkpoints to keep", c => Text(c.KeepLast), (c, v) => c with { KeepLast = Whole("keep-last", v) }) { Range = new(1, 1_000_000), ChangesNoResult = true },
        new("keep-every", "N", "keep the checkpoint of every so many epochs for ever (0 = only the newest)", c => Text(c.KeepEvery), (c, v) => c with { KeepEvery = Whole("keep-every", v) }) { Range = new(0, Epochs.Most), ChangesNoResult = true },
        new("evaluate-every", "N", "epochs between evaluations (0 = never)", c => Text(c.EvaluateEvery), (c, v) => c with { EvaluateEvery = Whole("evaluate-every", v) }) { Range = new(0, Epochs.Most) },
        new("valid", "PATH", "clips (as data) that are held back, whose loss is measured at every evaluation", c => c.Valid, (c, v) => c with { Valid = v }) { Idle = c => c.EvaluateEvery == 0 ? "evaluate-every 0 never evaluates" : null },
        new("task", "CSV", "labelled task for k-NN accuracy during training", c => c.Task, (c, v) => c with { Task = v }) { Idle = c => c.EvaluateEvery == 0 ? "evaluate-every 0 never evaluates" : null },
    ];

    /// <summary>The keys that say what a model is, whatever it was trained on and how.</summary>
    internal static IReadOnlyList<ConfigKey<PretrainingConfig>> OfModels { get; } =
        [.. All.Where(key => key.Name is "from" or "framework" or "encoder" or "decoder" or "sample-rate" or "input" or "patch")];

    /// <summary>The key of a name.</summary>
    /// <exception cref="UserErrorException">There is none; the message names the nearest.</exception>
    public static ConfigKey<PretrainingConfig> Find(string name) => All.Named(name);

    private static string? WithoutHint(PretrainingConfig config, HintUse least) => KnownMaskings.Find(config.Mask).Hint >= least ? null
        : KnownMaskings.Find(config.Mask).Hint == HintUse.None ? $"mask {config.Mask} goes by no hint ratio" : $"of the hint ratio mask {config.Mask} goes by 1 alone";

    private static string? ByConstantHint(PretrainingConfig config) => config.Hint.Constant is { } constant ? $"hint-constant {Text(constant)} holds throughout" : null;

    /// <summary>Why nobody computes bfloat16 products on the processor; null where somebody does.</summary>
    internal static string? WithoutBf16(Precision precision, string device) => !new Device(device).IsCpu ? $"device {new Device(device)} computes them in its own way"
        : precision is Precision.Fp32 or Precision.Tf32 ? $"precision {Name(precision)} has none" : null;

    private static string? WithoutTarget(PretrainingConfig config) => config.Framework.HasTarget ? null : $"{config.Framework} has no target network";

    /// <summary>Numbers above 0.</summary>
    internal static NumberRange Positive(double most) => new(0, most) { IsAbove = true };
}

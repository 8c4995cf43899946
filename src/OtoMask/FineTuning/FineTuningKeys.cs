using System.Globalization;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Torch;
using static OtoMask.Configuration.ConfigText;

namespace OtoMask.FineTuning;

/// <summary>Every value of a <see cref="FineTuningConfig"/>, declared once for YAML and the command line.</summary>
internal static class FineTuningKeys
{
    /// <summary>The key that the command line gives as an argument.</summary>
    public const string Checkpoint = "checkpoint";

    /// <summary>The key of the labelled task.</summary>
    public const string Task = "task";

    internal const string PatchOut = "patch-out";

    /// <summary>All keys in the order of a configuration file.</summary>
    public static IReadOnlyList<ConfigKey<FineTuningConfig>> All { get; } =
    [
        new(Checkpoint, "PATH", "run folder or checkpoint to begin from", c => c.Checkpoint, (c, v) => c with { Checkpoint = v }) { IsSettled = true },
        new(Task, "TASK.csv", "labelled task: CSV file_name,label,split[,group][,fold]; paths relative to it", c => c.Task, (c, v) => c with { Task = v }) { IsPlace = true },
        new("fold", "N", "fold to test on, of a task with folds", c => Text(c.Fold), (c, v) => c with { Fold = Whole("fold", v) }) { IsSettled = true },
        new("mode", "strict|select-on-test", "what the best epoch is chosen on: validation clips, or the test clips themselves (optimistic)", c => NameOf(c.Mode), (c, v) => c with { Mode = OneOf("mode", v, ("strict", FineTuningMode.Strict), ("select-on-test", FineTuningMode.SelectOnTest)) }) { IsSettled = true },
        new("start", "trained|untrained", "begin with the checkpoint's weights, or with random ones of the same shape (a baseline)", c => Name(c.Start), (c, v) => c with { Start = OneOf("start", v, ("trained", StartingWeights.Trained), ("untrained", StartingWeights.Untrained)) }) { IsSettled = true },
        new("seconds", "S", "unit length: longer clips are cropped, shorter ones padded (default: what fills the model's input)", c => Text(c.Seconds), (c, v) => c with { Seconds = Number("seconds", v) }) { Range = TaskClips.UnitRange, IsSettled = true },
        new("epochs", "N", "length in epochs; every schedule scales with it", c => Text(c.Epochs), (c, v) => c with { Epochs = Whole("epochs", v) }) { Range = ConfigKeys.Epochs },
        new("batch", "N", "clips in a batch", c => Text(c.Batch), (c, v) => c with { Batch = Whole("batch", v) }) { Range = ConfigKeys.Batches with { Least = 2 }, IsSettled = true },
        new("seed", "N", "seed of everything random", c => c.Seed.ToString(CultureInfo.InvariantCulture), (c, v) => c with { Seed = Seed(v) }) { IsSettled = true },
        new("precision", "fp32|tf32|bf16", "precision of the matrix products; tf32 is of GPUs", c => Name(c.Precision), (c, v) => c with { Precision = OneOf("precision", v, ("fp32", Precision.Fp32), ("tf32", Precision.Tf32), ("bf16", Precision.Bf16)) }),
        new("bf16-by", "kernels|aten", ConfigKeys.Bf16ByHelp, c => Text(c.Bf16By), (c, v) => c with { Bf16By = Bf16By(v) }) { Idle = c => ConfigKeys.WithoutBf16(c.Precision, c.Device) },
        new("optimizer", "sgd|adamw|lars", "how the weights move", c => Name(c.Optimizer), (c, v) => c with { Optimizer = OneOf("optimizer", v, ("sgd", OptimizerKind.Sgd), ("adamw", OptimizerKind.AdamW), ("lars", OptimizerKind.Lars)) }) { IsSettled = true },
        new("lr", "RATE", "learning rate at the end of the warm-up", c => Text(c.LearningRate), (c, v) => c with { LearningRate = Number("lr", v) }) { Range = ConfigKeys.Rates },
        new("weight-decay", "X", "decay of matrices (default 1e-4 for adamw, 0 for lars; sgd has none)", c => Text(c.WeightDecay), (c, v) => c with { WeightDecay = Number("weight-decay", v) }) { Range = new(0, 1_000_000) },
        new("layer-decay", "0..1", "factor on the learning rate from one block to the one before it (1 = all learn alike)", c => Text(c.LayerDecay), (c, v) => c with { LayerDecay = Number("layer-decay", v) }) { Range = ConfigKeys.Positive(1) },
        new("freeze-patch-embedding", "true|false", "leave the patch embedding as it is", c => Name(c.FreezePatchEmbedding), (c, v) => c with { FreezePatchEmbedding = YesOrNo("freeze-patch-embedding", v) }),
        new("warmup", "0..1", "share of the run that warms up", c => Text(c.Warmup), (c, v) => c with { Warmup = Number("warmup", v) }) { Range = NumberRange.LessThanAll },
        new("patience", "N", "end after this many epochs without a better one (0 = never)", c => Text(c.Patience), (c, v) => c with { Patience = Whole("patience", v) }) { Range = new(0, ConfigKeys.Epochs.Most) },
        new("mixup", "A", "mix pairs of waveforms and labels by Beta(a, a) (0 = off)", c => Text(c.Mixup), (c, v) => c with { Mixup = Number("mixup", v) }) { Range = new(0, 100) },
        new("freq-mask", "N", "mel bands masked at most, the same for a batch (0 = off)", c => Text(c.FrequencyMask), (c, v) => c with { FrequencyMask = Whole("freq-mask", v) }) { Range = new(0, 1_000_000) },
        new("time-mask", "N", "frames masked at most, the same for a batch (0 = off)", c => Text(c.TimeMask), (c, v) => c with { TimeMask = Whole("time-mask", v) }) { Range = new(0, 1_000_000) },
        new("resize-crop", "true|false", "resize and crop every clip at random", c => Name(c.ResizeCrop), (c, v) => c with { ResizeCrop = YesOrNo("resize-crop", v) }),
        new(PatchOut, "0..1", "share of patches left out in training, whole rows and columns (0 = none, and features per band)", c => Text(c.PatchOut), (c, v) => c with { PatchOut = Number(PatchOut, v) }) { Range = NumberRange.LessThanAll },
        new("device", "cpu|cuda:0", "where the model lives", c => new Device(c.Device).Name, (c, v) => c with { Device = new Device(v).Name }),
        new("workers", "N", "loader threads (0 = as many as the step needs)", c => Text(c.Workers), (c, v) => c with { Workers = Whole("workers", v) }) { Range = BatchOptions.WorkerRange, ChangesNoResult = true },
        new("checkpoint-every", "N", "epochs between checkpoints", c => Text(c.CheckpointEvery), (c, v) => c with { CheckpointEvery = Whole("checkpoint-every", v) }) { Range = ConfigKeys.Epochs, ChangesNoResult = true },
        new("keep-last", "N", "newest checkpoints to keep; the best epoch is kept besides", c => Text(c.KeepLast), (c, v) => c with { KeepLast = Whole("keep-last", v) }) { Range = new(1, 1_000_000), ChangesNoResult = true },
    ];

    /// <summary>What configurations and results call a mode.</summary>
    public static string NameOf(FineTuningMode mode) => mode == FineTuningMode.Strict ? "strict" : "select-on-test";
}

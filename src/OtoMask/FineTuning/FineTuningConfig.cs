using OtoMask.Configuration;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.FineTuning;

/// <summary>On what the best epoch is chosen.</summary>
public enum FineTuningMode
{
    /// <summary>On validation clips; test clips are not touched before the end.</summary>
    Strict,

    /// <summary>On the test clips themselves, as the field does where a task has no validation split: an optimistic score.</summary>
    SelectOnTest,
}

/// <summary>How the weights move.</summary>
public enum OptimizerKind
{
    /// <summary>Momentum 0.9, no decay.</summary>
    Sgd,

    /// <summary>Betas 0.9 and 0.95, AMSGrad.</summary>
    AdamW,

    /// <summary>Momentum 0.9, gradients scaled layer by layer.</summary>
    Lars,
}

/// <summary>What the encoder begins with.</summary>
public enum StartingWeights
{
    /// <summary>Those of the checkpoint.</summary>
    Trained,

    /// <summary>Random ones: the baseline that tells what pre-training gave.</summary>
    Untrained,
}

/// <summary>
/// Everything that decides what a fine-tuning computes; <see cref="FineTuningKeys"/> names every value once for YAML and the command
/// line. Defaults are the published recipe for Speech Commands V2 (docs/evaluation.md section 2), its warm-up made relative.
/// </summary>
public sealed record FineTuningConfig
{
    /// <summary>The learning rate that the cosine ends at.</summary>
    public const double LastLearningRate = 1e-7;

    private const double AdamWDecay = 1e-4;

    /// <summary>What the encoder, its geometry and its normalisation are taken from.</summary>
    public string Checkpoint { get; init; } = "";

    /// <summary>Labelled task (CSV).</summary>
    public string Task { get; init; } = "";

    /// <summary>The fold to test on, of a task with folds.</summary>
    public int? Fold { get; init; }

    /// <summary>On what the best epoch is chosen.</summary>
    public FineTuningMode Mode { get; init; } = FineTuningMode.Strict;

    /// <summary>What the encoder begins with.</summary>
    public StartingWeights Start { get; init; } = StartingWeights.Trained;

    /// <summary>Unit length of a clip in seconds; null = what fills the model's input.</summary>
    public double? Seconds { get; init; }

    /// <summary>Length of the run in epochs.</summary>
    public int Epochs { get; init; } = 200;

    /// <summary>B, clips in a batch; a task of fewer training clips has one batch of them all.</summary>
    public int Batch { get; init; } = 128;

    /// <summary>Seed of everything random.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Precision of the matrix products, not <see cref="Precision.Auto"/>.</summary>
    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Who computes bfloat16 products on the processor; null = the kernels, or on a processor with AMX whoever is faster there, which is resolved before the first step.</summary>
    public Bf16By? Bf16By { get; init; }

    /// <summary>How the weights move.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>Learning rate at the end of the warm-up.</summary>
    public double LearningRate { get; init; } = 0.5;

    /// <summary>Decay of matrices; null = the optimiser's (1e-4 for AdamW, else 0). SGD has none.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>Factor on the learning rate from one block to the one before it; 1 = all learn alike.</summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>Whether the patch embedding stays as it is.</summary>
    public bool FreezePatchEmbedding { get; init; }

    /// <summary>Share of the run that warms up; published 5 of 200 epochs.</summary>
    public double Warmup { get; init; } = 0.025;

    /// <summary>Epochs without a better one after which the run ends; 0 = never.</summary>
    public int Patience { get; init; }

    /// <summary>a of the mixup coefficient's Beta(a, a); 0 = no mixup.</summary>
    public double Mixup { get; init; } = 0.3;

    /// <summary>Mel bands that are masked at most.</summary>
    public int FrequencyMask { get; init; } = 30;

    /// <summary>Frames that are masked at most.</summary>
    public int TimeMask { get; init; } = 48;

    /// <summary>Whether clips are randomly resized and cropped.</summary>
    public bool ResizeCrop { get; init; } = true;

    /// <summary>Share of patches that the encoder is not given in training, whole rows and columns of them; 0 = none, and features per band.</summary>
    public double PatchOut { get; init; } = 0.5;

    /// <summary>Where the model lives: cpu, cuda, cuda:1.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Loader threads; 0 = automatic.</summary>
    public int Workers { get; init; }

    /// <summary>Epochs between checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 10;

    /// <summary>Newest checkpoints to keep; the best epoch is kept besides.</summary>
    public int KeepLast { get; init; } = 1;

    /// <summary>The optimiser of a model's parameters, at its beginning.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="rateOf">Factor on the learning rate of each.</param>
    internal IOptimizer CreateOptimizer(ParameterSet parameters, Func<Parameter, double> rateOf) => Optimizer switch
    {
        OptimizerKind.AdamW => new AdamW(parameters, WeightDecay ?? AdamWDecay, amsGrad: true, rateOf: rateOf),
        OptimizerKind.Lars => new Lars(parameters, WeightDecay ?? 0, rateOf: rateOf),
        _ => new Sgd(parameters, rateOf: rateOf),
    };

    /// <summary>Refuses impossible values before any work.</summary>
    /// <exception cref="UserErrorException">Names the value and what to do.</exception>
    public FineTuningConfig Validate()
    {
        Require(Checkpoint.Length > 0, "no checkpoint: name the run folder or checkpoint to fine-tune");
        Require(Task.Length > 0, "no task: name a CSV file_name,label,split as `task`");
        FineTuningKeys.All.RequireInRange(this);
        Require(Precision != Precision.Auto, "precision auto is for pre-training; choose fp32 or bf16");
        Precision.RequireOn(new Device(Device));
        Require(WeightDecay is null or 0 || Optimizer != OptimizerKind.Sgd, "weight-decay: sgd has none here; choose adamw or lars");
        return this;
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new UserErrorException(message);
    }
}

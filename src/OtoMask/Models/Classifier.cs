using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, N of the L = Nf * Nt patches, P = ph * pw values a patch, D width, C classes.

/// <summary>What the head sees of an encoded clip.</summary>
internal enum ClipFeature
{
    /// <summary>Nf * D numbers: the tokens of all frequency patches of a time step side by side, mean over time (docs/method.md section 7).</summary>
    PerBand,

    /// <summary>D numbers: the mean over all tokens, which any choice of patches has.</summary>
    Flat,
}

/// <summary>The encoder with a head that tells classes: batch normalisation without scale and shift, then a linear layer.</summary>
/// <remarks>The head of EVAR (Niizumi et al.), by its parameter names. docs/evaluation.md section 2.</remarks>
internal sealed class Classifier : IDisposable
{
    /// <summary>What the names of the head's two parts begin with.</summary>
    internal const string HeadNorm = "head.norm", HeadLinear = "head.mlp.mlp.0";

    /// <summary>Added to the variance in the batch normalisation.</summary>
    internal const double Epsilon = 1e-5;

    private const double Momentum = 0.1, Deviation = 0.01;
    private readonly VisionTransformer encoder;
    private readonly Parameter weight, bias;
    private readonly Tensor runningMean, runningVariance; // [features]

    /// <summary>Draws first values of everything.</summary>
    /// <param name="shape">Sizes of the encoder and of its grid.</param>
    /// <param name="feature">What the head sees.</param>
    /// <param name="classes">C.</param>
    /// <param name="seed">Seed of the first values.</param>
    /// <param name="device">Where it lives.</param>
    /// <exception cref="UserErrorException">The shape is impossible.</exception>
    public Classifier(EncoderShape shape, ClipFeature feature, int classes, ulong seed, Device device)
    {
        shape.Validate();
        (Shape, Feature, Classes, Device) = (shape, feature, classes, device);
        var initial = new Initial(seed);
        encoder = new VisionTransformer(shape, Trained, initial);
        weight = Trained.Add(HeadLinear + ".weight", initial.Normal(Deviation), classes, FeatureWidth);
        bias = Trained.Add(HeadLinear + ".bias", Initial.Zeros, classes);
        Trained.LayOut(device, trained: true);
        encoder.LayOut(device);
        using var scope = new TensorScope();
        runningMean = scope.KeepForever(Tensor.Zeros(device, DType.Float32, FeatureWidth));
        runningVariance = scope.KeepForever(runningMean + 1);
    }

    /// <summary>Sizes of the encoder and of its grid.</summary>
    public EncoderShape Shape { get; }

    /// <summary>What the head sees.</summary>
    public ClipFeature Feature { get; }

    /// <summary>C.</summary>
    public int Classes { get; }

    /// <summary>Where it lives.</summary>
    public Device Device { get; }

    /// <summary>Encoder and linear layer, which an optimiser changes.</summary>
    public ParameterSet Trained { get; } = new();

    /// <summary>Positions of the tokens, [1 + L, D].</summary>
    public PositionTable Positions => encoder.Positions;

    /// <summary>What training changes besides: the running mean and variance of the batch normalisation.</summary>
    public IReadOnlyList<(string Name, Tensor Values)> Running => [(HeadNorm + ".running_mean", runningMean), (HeadNorm + ".running_var", runningVariance)];

    /// <summary>Numbers that the head sees of a clip.</summary>
    public int FeatureWidth => FeatureWidthOf(Shape, Feature);

    /// <summary>The linear layer of the head.</summary>
    public IReadOnlyList<Parameter> Head => [weight, bias];

    /// <summary>The stacks of blocks that are trained.</summary>
    public IReadOnlyList<BlockStack> Stacks => [encoder.Blocks];

    /// <summary>Says how likely each class is: patches [B, N, P], their ids [B, N] -> [B, C], before softmax or sigmoid.</summary>
    /// <param name="patches">The given patches; of <see cref="ClipFeature.PerBand"/> whole time steps, ids ascending.</param>
    /// <param name="ids">Their ids, f * Nt + t.</param>
    /// <param name="training">Whether to normalise by the batch, and to let the running values follow it.</param>
    public Tensor Logits(Tensor patches, Tensor ids, bool training)
    {
        using var scope = new TensorScope();
        return scope.Keep(Classify(Features(patches, ids), training));
    }

    /// <summary>What the head sees of clips: patches [B, N, P], their ids [B, N] -> [B, F], float32.</summary>
    /// <param name="patches">As for <see cref="Logits"/>.</param>
    /// <param name="ids">Their ids.</param>
    public Tensor Features(Tensor patches, Tensor ids)
    {
        using var scope = new TensorScope();
        long clips = ids.Shape[0], given = ids.Shape[1];
        Tensor tokens = encoder.Forward(patches, ids).Narrow(1, 1, given).To(DType.Float32); // [B, N, D], no CLS
        return scope.Keep(Feature == ClipFeature.Flat
            ? tokens.Mean(1) // [B, D]
            : tokens.Reshape(clips, Shape.Grid.Rows, given / Shape.Grid.Rows, Shape.Encoder.Width).Mean(2).Reshape(clips, FeatureWidth)); // [B, Nf * D]
    }

    /// <summary>What the head makes of features [B, F]: [B, C].</summary>
    /// <param name="features">Those of the whole batch, where it is to normalise by it.</param>
    /// <param name="training">As for <see cref="Logits"/>.</param>
    public Tensor Classify(Tensor features, bool training)
    {
        using var scope = new TensorScope();
        Tensor normalised = F.BatchNorm(features, runningMean, runningVariance, training, Momentum, Epsilon);
        return scope.Keep(F.Linear(normalised, weight, bias).To(DType.Float32));
    }

    /// <summary>Names and shapes of the head's tensors in a file.</summary>
    internal static IReadOnlyList<(string Name, long[] Shape)> HeadTensors(EncoderShape shape, ClipFeature feature, int classes)
    {
        int features = FeatureWidthOf(shape, feature);
        return [(HeadNorm + ".running_mean", [features]), (HeadNorm + ".running_var", [features]), (HeadLinear + ".weight", [classes, features]), (HeadLinear + ".bias", [classes])];
    }

    /// <summary>The loss of one batch: cross-entropy divided by C, or binary cross-entropy; the mean over all B x C entries either way.</summary>
    /// <param name="logits">[B, C].</param>
    /// <param name="targets">[B, C] in 0 .. 1; rows sum to 1 unless <paramref name="multiLabel"/>.</param>
    /// <param name="multiLabel">Whether a clip may be of several classes.</param>
    public static Tensor Loss(Tensor logits, Tensor targets, bool multiLabel) =>
        multiLabel ? F.BinaryCrossEntropy(logits, targets) : (F.LogSoftmax(logits, -1) * targets).Mean() * -1;

    /// <inheritdoc/>
    public void Dispose()
    {
        encoder.Dispose();
        Trained.Dispose();
        runningMean.Dispose();
        runningVariance.Dispose();
    }

    private static int FeatureWidthOf(EncoderShape shape, ClipFeature feature) => feature == ClipFeature.Flat ? shape.Encoder.Width : shape.Grid.Rows * shape.Encoder.Width;
}

using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>
/// A way to learn from what is hidden: the objective, and all that the rest of the house has to know about it. One stands beside its model, in a file
/// of its own, and in the catalogue <see cref="KnownFrameworks"/>.
/// </summary>
public abstract class Framework
{
    /// <summary>The name that commands and configurations use, for example <c>m2d</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The name for people, for example <c>M2D</c>.</summary>
    public abstract string Title { get; }

    /// <summary>What files of published models begin with, for example <c>msm_mae</c>.</summary>
    public abstract string FieldName { get; }

    /// <summary>What stands behind the encoder: <c>decoder</c>, <c>predictor</c>.</summary>
    public abstract string DecoderName { get; }

    /// <summary>The published share of patches to mask, in (0, 1).</summary>
    public abstract double MaskRatio { get; }

    /// <summary>Whether a target network follows the encoder by a moving average.</summary>
    public virtual bool HasTarget => false;

    /// <summary>K, masks that are drawn of each clip.</summary>
    public virtual int MasksPerClip => 1;

    /// <summary>Whether its loss looks at all patches of a clip besides those of its masks (<see cref="PatchBatch.Whole"/>).</summary>
    public virtual bool ReadsWholeClip => false;

    /// <summary>The decoder that goes with an encoder of a named size.</summary>
    /// <param name="size">One of <see cref="KnownSizes.Names"/>.</param>
    /// <exception cref="UserErrorException">No size has that name.</exception>
    public abstract BlockShape Decoder(string size);

    /// <summary>Values that it predicts of each masked patch: P where it predicts the input, D where it predicts features.</summary>
    /// <param name="shape">Sizes of the model.</param>
    public abstract int Outputs(ModelShape shape);

    /// <summary>Says why a model of this shape could not learn; null if it could.</summary>
    public virtual string? Impossible(ModelShape shape) => null;

    /// <summary>Whether it is this framework that wrote a checkpoint of the field.</summary>
    /// <param name="tensors">Shapes of all its tensors, by the field's names.</param>
    /// <param name="width">D, width of its encoder.</param>
    /// <param name="patchSize">P, values of a patch.</param>
    public abstract bool Wrote(IReadOnlyDictionary<string, long[]> tensors, int width, int patchSize);

    /// <summary>Floating-point operations of forward and backward pass, of one clip, masking left out (<see cref="StepCost"/>).</summary>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="visible">Lv, visible patches of a mask.</param>
    public abstract double Operations(ModelShape shape, int visible);

    /// <summary>Builds a model and draws its first values.</summary>
    /// <param name="shape">Sizes of everything.</param>
    /// <param name="seed">Seed of the first values.</param>
    /// <param name="device">Where the model lives.</param>
    /// <param name="gradientType">Type of the gradients, float32 or bfloat16.</param>
    /// <exception cref="UserErrorException">The shape is impossible.</exception>
    public MaskedModel CreateModel(ModelShape shape, ulong seed, Device device, DType gradientType = DType.Float32)
    {
        shape.Validate();
        MaskedModel model = Declare(shape, seed);
        model.LayOut(device, gradientType);
        return model;
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>The model with its parameters declared, not yet laid out.</summary>
    /// <param name="shape">Sizes of everything, which were found possible.</param>
    /// <param name="seed">Seed of the first values.</param>
    protected abstract MaskedModel Declare(ModelShape shape, ulong seed);
}

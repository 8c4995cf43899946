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

    /// <summary>What training goes by unless told otherwise.</summary>
    public virtual Recipe Recipe => Recipe.M2d;

    /// <summary>Whether a target network follows the encoder by a moving average.</summary>
    public virtual bool HasTarget => false;

    /// <summary>K, masks that are drawn of each clip, unless told otherwise.</summary>
    public virtual int MasksPerClip => 1;

    /// <summary>Whether it learns from any number of masks a clip, each seen by a copy of the clip: the user may say how many.</summary>
    public virtual bool HasClones => false;

    /// <summary>How much a loss about the whole clip counts beside that about patches, unless told otherwise; null where it has none.</summary>
    public virtual double? UtteranceWeight => null;

    /// <summary>Random numbers that its loss wants for every masked patch of every mask; null for none.</summary>
    /// <param name="shape">Sizes of the model.</param>
    public virtual MaskNoise? MaskNoise(ModelShape shape) => null;

    /// <summary>Whether its loss looks at all patches of a clip besides those of its masks (<see cref="PatchBatch.Whole"/>).</summary>
    public virtual bool ReadsWholeClip => false;

    /// <summary>The decoder that goes with an encoder of a named size.</summary>
    /// <param name="size">One of <see cref="KnownSizes.Names"/>.</param>
    /// <exception cref="UserErrorException">No size has that name.</exception>
    public abstract BlockShape Decoder(string size);

    /// <summary>Values that it predicts of each masked patch: P where it predicts the input, D where it predicts features.</summary>
    /// <param name="shape">Sizes of the model.</param>
    public abstract int Outputs(ModelShape shape);

    /// <summary>Says what is impossible about a model of this shape, and what to do; null where nothing is.</summary>
    public virtual string? Impossible(ModelShape shape) => null;

    /// <summary>Whether it is this framework that wrote a checkpoint of the field.</summary>
    /// <param name="tensors">Shapes of all its tensors, by the field's names.</param>
    /// <param name="width">D, width of its encoder.</param>
    /// <param name="patchSize">P, values of a patch.</param>
    public abstract bool Wrote(IReadOnlyDictionary<string, long[]> tensors, int width, int patchSize);

    /// <summary>Floating-point operations of forward and backward pass, of one clip, masking left out (<see cref="StepCost"/>).</summary>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="visible">Lv, visible patches of a mask.</param>
    /// <param name="masks">K, masks of the clip.</param>
    public abstract double Operations(ModelShape shape, int visible, int masks);

    /// <summary>Values of what stands behind the encoder.</summary>
    /// <param name="shape">Sizes of the model.</param>
    internal virtual long DecoderValues(ModelShape shape) => ModelMemory.OfDecoder(shape, Outputs(shape));

    /// <summary>Values of the target network; 0 where there is none.</summary>
    /// <param name="shape">Sizes of the model.</param>
    internal virtual long TargetValues(ModelShape shape) => HasTarget ? ModelMemory.OfBlocks(shape.Encoder) : 0;

    /// <summary>Bytes that forward and backward pass over so many clips take at their fullest moment, parameters and patches left out (<see cref="ModelMemory"/>).</summary>
    /// <param name="memory">Counts what blocks take.</param>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="clips">B.</param>
    /// <param name="visible">Lv, visible patches of a mask.</param>
    /// <param name="masks">K, masks of a clip.</param>
    internal virtual long Learning(ModelMemory memory, ModelShape shape, long clips, long visible, int masks) =>
        memory.PredictingPatches(shape, clips * masks, visible, Outputs(shape), HasTarget);

    /// <summary>What the names of the decoder's blocks begin with.</summary>
    internal virtual string DecoderBlocks => MaskedDecoder.BlocksName;

    /// <summary>The decoder whose weights a checkpoint of the field holds; null where it holds none.</summary>
    /// <param name="tensors">Shapes of all its tensors, by the field's names.</param>
    /// <param name="depth">Its blocks (<see cref="DecoderBlocks"/>).</param>
    /// <param name="heads">Its heads; null = those of the published size, else width / 64, at least 1.</param>
    internal virtual BlockShape? DecoderIn(IReadOnlyDictionary<string, long[]> tensors, int depth, int? heads)
    {
        if (tensors.GetValueOrDefault(MaskedDecoder.Entry) is not [> 0 and <= int.MaxValue and var rows, _])
            return null;
        int width = (int)rows;
        BlockShape? published = KnownSizes.Names.Select(Decoder).FirstOrDefault(known => (known.Width, known.Depth) == (width, depth));
        return new BlockShape(width, depth, heads ?? published?.Heads ?? KnownSizes.DefaultHeads(width));
    }

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

using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>
/// An encoder with what it needs to learn by masked prediction. Give it masked batches, minimise the loss with an optimiser
/// that knows the <see cref="Followers"/>, keep the encoder.
/// </summary>
public abstract class MaskedModel : IDisposable
{
    private readonly VisionTransformer encoder;

    private protected MaskedModel(ModelShape shape, ulong seed, int decoderOutputs)
    {
        shape.Validate();
        Shape = shape;
        Initial = new Initial(seed);
        encoder = new VisionTransformer(shape, Trained, Initial);
        EncoderParameters = [.. Trained.Parameters];
        Decoder = new MaskedDecoder(shape, Trained, Initial, decoderOutputs);
    }

    /// <summary>Sizes of everything.</summary>
    public ModelShape Shape { get; }

    /// <summary>What the optimiser changes: the (online) encoder and the decoder or predictor.</summary>
    public ParameterSet Trained { get; } = new();

    /// <summary>What follows by other means: M2D's target network; empty for MSM-MAE.</summary>
    public ParameterSet Following { get; } = new();

    /// <summary>Every parameter, trained or following.</summary>
    public IEnumerable<Parameter> Parameters => Trained.Parameters.Concat(Following.Parameters);

    /// <summary>Those of the (online) encoder, which are kept after pre-training.</summary>
    public IReadOnlyList<Parameter> EncoderParameters { get; }

    /// <summary>Positions of the encoder's tokens, [1 + L, D].</summary>
    public PositionTable EncoderPositions => encoder.Positions;

    /// <summary>Positions of the decoder's or predictor's tokens, [1 + L, Dd].</summary>
    public PositionTable DecoderPositions => Decoder.Positions;

    private protected Initial Initial { get; }

    private protected MaskedDecoder Decoder { get; }

    private protected VisionTransformer Encoder => encoder;

    /// <summary>Where the model lives.</summary>
    public Device Device { get; private set; } = Device.Cpu;

    /// <summary>Whether every transformer block keeps only its input for the backward pass, and runs its forward pass again there: a fraction of
    /// the memory for about a quarter more time. It changes no result.</summary>
    public bool CheckpointActivations
    {
        get => encoder.Blocks.CheckpointActivations;
        set => encoder.Blocks.CheckpointActivations = Decoder.Blocks.CheckpointActivations = value;
    }

    /// <summary>Builds a model and draws its first values.</summary>
    /// <param name="framework">How the hidden patches are predicted.</param>
    /// <param name="shape">Sizes of everything.</param>
    /// <param name="seed">Seed of the first values.</param>
    /// <param name="device">Where the model lives.</param>
    /// <param name="gradientType">Type of the gradients, float32 or bfloat16.</param>
    /// <exception cref="UserErrorException">The shape is impossible.</exception>
    public static MaskedModel Create(Framework framework, ModelShape shape, ulong seed, Device device, DType gradientType = DType.Float32)
    {
        MaskedModel model = framework == Framework.M2d ? new M2d(shape, seed) : new MaskedAutoencoder(shape, seed);
        model.Device = device;
        model.Trained.LayOut(device, trained: true, gradientType);
        model.Following.LayOut(device, trained: false);
        model.encoder.LayOut(device);
        model.Decoder.LayOut(device);
        return model;
    }

    /// <summary>Encodes patches: [B, N, P], ids [B, N] -> [B, 1 + N, D], CLS first, after the last layer normalisation.</summary>
    public Tensor Encode(Tensor patches, Tensor ids) => encoder.Forward(patches, ids);

    /// <summary>What every layer makes of the patches: as many [B, 1 + N, D] as the encoder is deep.</summary>
    public IReadOnlyList<Tensor> EncodeEveryLayer(Tensor patches, Tensor ids) => encoder.Blocks.ForwardEveryLayer(encoder.Embed(patches, ids));

    /// <summary>What the decoder says about the masked patches: [B, Lm, outputs].</summary>
    public Tensor Predict(PatchBatch batch) => Decoder.Forward(Encode(batch.Visible, batch.VisibleIds), batch.VisibleIds, batch.MaskedIds);

    /// <summary>The loss of one batch, a tensor of no dimension.</summary>
    public abstract Tensor Loss(PatchBatch batch);

    /// <summary>What the optimiser moves after the trained parameters: M2D's target network, nothing for MSM-MAE.</summary>
    public virtual IReadOnlyList<Follower> Followers => [];

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        encoder.Dispose();
        Decoder.Dispose();
        Trained.Dispose();
        Following.Dispose();
    }

    /// <summary>Each vector of the last dimension less its mean, over the root of its unbiased variance + 1e-6.</summary>
    private protected static Tensor Standardise(Tensor x) =>
        (x - x.Mean(-1, keep: true)) * (x.Variance(-1, keep: true) + 1e-6).Rsqrt();
}

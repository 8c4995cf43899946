using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>
/// An encoder with what it needs to learn by masked prediction. Give it masked batches, minimise the loss with an optimiser
/// that knows the <see cref="Followers"/>, keep the encoder.
/// </summary>
public abstract class MaskedModel : IDisposable
{
    private readonly VisionTransformer encoder;

    /// <summary>Declares the encoder; what predicts is declared after it, in <see cref="Trained"/> and <see cref="Following"/>.</summary>
    /// <param name="framework">What it is a model of.</param>
    /// <param name="shape">Sizes of everything, which were found possible.</param>
    /// <param name="seed">Seed of the first values.</param>
    protected MaskedModel(Framework framework, ModelShape shape, ulong seed)
    {
        (Framework, Shape, Initial, UtteranceWeight) = (framework, shape, new Initial(seed), framework.UtteranceWeight ?? 0);
        encoder = new VisionTransformer(shape, Trained, Initial);
        Frozen = new FrozenEncoder(encoder, shape, Trained);
    }

    /// <summary>What it is a model of.</summary>
    public Framework Framework { get; }

    /// <summary>Sizes of everything.</summary>
    public ModelShape Shape { get; }

    /// <summary>What the optimiser changes: the (online) encoder first, then the decoder or predictor.</summary>
    public ParameterSet Trained { get; } = new();

    /// <summary>What follows by other means: a target network, each of whose parameters is called <c>target_</c> and the name of what it follows; empty where there is none.</summary>
    public ParameterSet Following { get; } = new();

    /// <summary>Every parameter, trained or following.</summary>
    public IEnumerable<Parameter> Parameters => Trained.Parameters.Concat(Following.Parameters);

    /// <summary>The (online) encoder with the weights as they stand, without gradients: what is kept after pre-training.</summary>
    public FrozenEncoder Frozen { get; }

    /// <summary>Tables of positions, that of the encoder first.</summary>
    internal virtual IReadOnlyList<PositionTable> Positions => [encoder.Positions];

    /// <summary>Where the model lives.</summary>
    public Device Device => Frozen.Device;

    /// <summary>Whether every transformer block keeps only its input for the backward pass, and runs its forward pass again there: a fraction of
    /// the memory for about a quarter more time. It changes no result.</summary>
    public bool CheckpointActivations
    {
        get => encoder.Blocks.CheckpointActivations;
        set
        {
            foreach (BlockStack stack in Stacks)
                stack.CheckpointActivations = value;
        }
    }

    /// <summary>How much its loss about the whole clip counts, where it has one; at first as its framework has it (<see cref="Framework.UtteranceWeight"/>).</summary>
    public double UtteranceWeight { get; set; }

    /// <summary>Blocks of the target network whose outputs are averaged to be predicted, where there is one; null = those of its framework.</summary>
    public TargetLayers? TargetLayers { get; set; }

    /// <summary>The stacks of blocks that are trained, that of the encoder first.</summary>
    internal virtual IReadOnlyList<BlockStack> Stacks => [encoder.Blocks];

    /// <summary>The loss of one batch.</summary>
    public abstract Losses Loss(PatchBatch batch);

    /// <summary>What the optimiser moves after the trained parameters: a target network, nothing where there is none.</summary>
    public virtual IReadOnlyList<Follower> Followers => [];

    /// <summary>What <see cref="Following"/> follows, where its parameters were declared in the order of those that they follow: each half of its flat
    /// buffer (decayed, not decayed) faces one contiguous piece of the trained one.</summary>
    private protected IReadOnlyList<Follower> FollowersInOrder => [Facing(decays: true), Facing(decays: false)];

    private Follower Facing(bool decays)
    {
        Parameter[] slow = [.. Following.Parameters.Where(parameter => parameter.Decays == decays)];
        Parameter online = Trained.Parameters.Single(parameter => parameter.Name == slow[0].Name.Replace("target_", ""));
        return new Follower(Following, slow[0].Offset, online.Offset, slow.Sum(parameter => parameter.Count));
    }

    private protected Initial Initial { get; }

    private protected VisionTransformer Encoder => encoder;

    /// <summary>Encodes patches for the loss: [B, N, P], ids [B, N] -> [B, 1 + N, D], CLS first, after the last layer normalisation.</summary>
    protected Tensor Encode(Tensor patches, Tensor ids) => encoder.Forward(patches, ids);

    /// <summary>Allocates the parameters and draws their first values.</summary>
    internal virtual void LayOut(Device device, DType gradientType)
    {
        Trained.LayOut(device, trained: true, gradientType);
        Following.LayOut(device, trained: false);
        Frozen.LayOut(device);
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        Frozen.Dispose();
        Trained.Dispose();
        Following.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Each vector of the last dimension less its mean, over the root of its unbiased variance + 1e-6.</summary>
    protected static Tensor Standardise(Tensor x) =>
        (x - x.Mean(-1, keep: true)) * (x.Variance(-1, keep: true) + 1e-6).Rsqrt();
}

using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, L patches of the whole clip, N of them given, P = ph * pw values a patch, D width.

/// <summary>The encoder of every framework: patches in, one vector a patch out, with a CLS token in front.</summary>
/// <remarks>Dosovitskiy et al., "An image is worth 16x16 words", 2021, on log-mel patches (docs/method.md section 3).</remarks>
internal sealed class VisionTransformer : IDisposable
{
    private readonly EncoderShape shape;
    private readonly Parameter patchWeight, patchBias, cls;
    private readonly PositionTable? own;

    /// <param name="shape">Its sizes.</param>
    /// <param name="parameters">Where its parameters are declared.</param>
    /// <param name="initial">Draws their first values.</param>
    /// <param name="prefix">What their names begin with: nothing, or <c>target_</c>.</param>
    /// <param name="positions">The positions of another encoder, which lays them out; null = positions of its own.</param>
    public VisionTransformer(EncoderShape shape, ParameterSet parameters, Initial initial, string prefix = "", PositionTable? positions = null)
    {
        this.shape = shape;
        int width = shape.Encoder.Width;
        patchWeight = parameters.Add($"{prefix}patch_embed.proj.weight", initial.Xavier(shape.PatchSize, width), width, 1, shape.Input.PatchHeight, shape.Input.PatchWidth);
        patchBias = parameters.Add($"{prefix}patch_embed.proj.bias", initial.Uniform(1 / Math.Sqrt(shape.PatchSize)), width);
        cls = parameters.Add($"{prefix}cls_token", initial.Normal(0.02), 1, 1, width);
        Positions = positions ?? (own = new PositionTable("pos_embed", shape.Grid, width));
        Blocks = new BlockStack(parameters, initial, $"{prefix}blocks", $"{prefix}norm", shape.Encoder);
    }

    public BlockStack Blocks { get; }

    public PositionTable Positions { get; }

    /// <summary>Encodes the given patches: [B, N, P], ids [B, N] -> [B, 1 + N, D], CLS first.</summary>
    public Tensor Forward(Tensor patches, Tensor ids) => Blocks.Forward(Embed(patches, ids));

    /// <summary>CLS and the embedded patches with their positions: [B, N, P], ids [B, N] -> [B, 1 + N, D].</summary>
    public Tensor Embed(Tensor patches, Tensor ids)
    {
        using var scope = new TensorScope();
        return scope.Keep(BehindCls(Linear(patches) + F.Embedding(Positions.Values, ids + 1)));
    }

    /// <summary>CLS and all patches of a clip: [B, L, P] -> [B, 1 + L, D].</summary>
    public Tensor EmbedWhole(Tensor patches)
    {
        using var scope = new TensorScope();
        return scope.Keep(BehindCls(WithPositions(patches)));
    }

    /// <summary>CLS and some of a clip's patches, several times over, all of which are embedded once: [B, L, P], ids [B * K, N] -> [B * K, 1 + N, D].</summary>
    public Tensor EmbedOften(Tensor patches, Tensor ids)
    {
        using var scope = new TensorScope();
        return scope.Keep(BehindCls(PatchBatch.Gather(WithPositions(patches), ids)));
    }

    /// <summary>Places what is not learnt on the device; called once the parameters are laid out.</summary>
    public void LayOut(Device device) => own?.LayOut(device);

    public void Dispose() => own?.Dispose();

    private Tensor Linear(Tensor patches) => F.Linear(patches, patchWeight.Value.Reshape(shape.Encoder.Width, shape.PatchSize), patchBias);

    private Tensor WithPositions(Tensor patches) => Linear(patches) + Positions.Values.Narrow(0, 1, shape.PatchCount);

    private Tensor BehindCls(Tensor embedded)
    {
        Tensor first = (cls.Value + Positions.Values.Narrow(0, 0, 1)).Expand(embedded.Shape[0], 1, shape.Encoder.Width);
        return Tensor.Cat(1, first, embedded);
    }
}

/// <summary>
/// What stands behind the encoder: the decoder of MSM-MAE, the predictor of M2D. It sees the encoded visible patches and a
/// mask token for every masked one, and says something about the masked ones only.
/// </summary>
internal sealed class MaskedDecoder : IDisposable
{
    /// <summary>The field's name for the weights of its last layer, [outputs, Dd].</summary>
    public const string Head = Predicting + ".weight";

    /// <summary>The field's name for the weights of its first layer, [Dd, D].</summary>
    public const string Entry = Embedding + ".weight";

    /// <summary>What the names of its blocks begin with.</summary>
    public const string BlocksName = "decoder_blocks";

    private const string Embedding = "decoder_embed", Predicting = "decoder_pred";
    private readonly ModelShape shape;
    private readonly Linear embed, head;
    private readonly Parameter maskToken;

    public MaskedDecoder(ModelShape shape, ParameterSet parameters, Initial initial, int outputs)
    {
        this.shape = shape;
        embed = new Linear(parameters, initial, Embedding, shape.Encoder.Width, shape.Decoder.Width);
        maskToken = parameters.Add("mask_token", initial.Normal(0.02), 1, 1, shape.Decoder.Width);
        Positions = new PositionTable("decoder_pos_embed", shape.Grid, shape.Decoder.Width);
        Blocks = new BlockStack(parameters, initial, BlocksName, "decoder_norm", shape.Decoder);
        head = new Linear(parameters, initial, Predicting, shape.Decoder.Width, outputs);
    }

    public BlockStack Blocks { get; }

    public PositionTable Positions { get; }

    /// <summary>Latent [B, 1 + Lv, D], ids of visible [B, Lv] and masked [B, Lm] patches -> predictions [B, Lm, outputs].</summary>
    /// <remarks>Blocks do not care about order, so nothing is shuffled back: tokens stand as [CLS, visible, masked], and
    /// only the masked ones reach the head.</remarks>
    public Tensor Forward(Tensor latent, Tensor visibleIds, Tensor maskedIds)
    {
        using var scope = new TensorScope();
        long clips = maskedIds.Shape[0], visible = visibleIds.Shape[1], width = shape.Decoder.Width;
        Tensor seenIds = Tensor.Cat(1, Tensor.Zeros(visibleIds.Device, DType.Int64, clips, 1), visibleIds + 1); // 0 = CLS
        Tensor seen = embed.Forward(latent) + F.Embedding(Positions.Values, seenIds); // [B, 1 + Lv, Dd]
        Tensor hidden = maskToken.Value + F.Embedding(Positions.Values, maskedIds + 1); // [B, Lm, Dd]
        Tensor tokens = Blocks.Forward(Tensor.Cat(1, seen, hidden), first: 1 + visible); // [B, Lm, Dd]
        return scope.Keep(head.Forward(tokens));
    }

    /// <inheritdoc cref="VisionTransformer.LayOut"/>
    public void LayOut(Device device) => Positions.LayOut(device);

    public void Dispose() => Positions.Dispose();
}

using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, L patches of the whole clip, N of them given, P = ph * pw values a patch, D width.

/// <summary>The encoder of every framework: patches in, one vector a patch out, with a CLS token in front.</summary>
/// <remarks>Dosovitskiy et al., "An image is worth 16x16 words", 2021, on log-mel patches (docs/method.md section 3).</remarks>
internal sealed class VisionTransformer : IDisposable
{
    private readonly EncoderShape shape;
    private readonly Parameter patchWeight, patchBias, cls;

    public VisionTransformer(EncoderShape shape, ParameterSet parameters, Initial initial)
    {
        this.shape = shape;
        int width = shape.Encoder.Width;
        patchWeight = parameters.Add("patch_embed.proj.weight", initial.Xavier(shape.PatchSize, width), width, 1, shape.Input.PatchHeight, shape.Input.PatchWidth);
        patchBias = parameters.Add("patch_embed.proj.bias", initial.Uniform(1 / Math.Sqrt(shape.PatchSize)), width);
        cls = parameters.Add("cls_token", initial.Normal(0.02), 1, 1, width);
        Positions = new PositionTable("pos_embed", shape.Grid, width);
        Blocks = new BlockStack(parameters, initial, "blocks", "norm", shape.Encoder);
    }

    public BlockStack Blocks { get; }

    public PositionTable Positions { get; }

    /// <summary>Encodes the given patches: [B, N, P], ids [B, N] -> [B, 1 + N, D], CLS first.</summary>
    public Tensor Forward(Tensor patches, Tensor ids) => Blocks.Forward(Embed(patches, ids));

    /// <summary>CLS and the embedded patches with their positions: [B, N, P], ids [B, N] -> [B, 1 + N, D].</summary>
    public Tensor Embed(Tensor patches, Tensor ids)
    {
        using var scope = new TensorScope();
        long clips = ids.Shape[0], width = shape.Encoder.Width;
        Tensor embedded = F.Linear(patches, patchWeight.Value.Reshape(width, shape.PatchSize), patchBias); // [B, N, D]
        Tensor first = (cls.Value + Positions.Values.Narrow(0, 0, 1)).Expand(clips, 1, width);
        return scope.Keep(Tensor.Cat(1, first, embedded + F.Embedding(Positions.Values, ids + 1)));
    }

    /// <summary>Places what is not learnt on the device; called once the parameters are laid out.</summary>
    public void LayOut(Device device) => Positions.LayOut(device);

    public void Dispose() => Positions.Dispose();
}

/// <summary>
/// What stands behind the encoder: the decoder of MSM-MAE, the predictor of M2D. It sees the encoded visible patches and a
/// mask token for every masked one, and says something about the masked ones only.
/// </summary>
internal sealed class MaskedDecoder : IDisposable
{
    /// <summary>The field's name for the weights of its last layer, [outputs, Dd].</summary>
    public const string Head = Predicting + ".weight";

    private const string Predicting = "decoder_pred";
    private readonly ModelShape shape;
    private readonly Linear embed, head;
    private readonly Parameter maskToken;

    public MaskedDecoder(ModelShape shape, ParameterSet parameters, Initial initial, int outputs)
    {
        this.shape = shape;
        embed = new Linear(parameters, initial, "decoder_embed", shape.Encoder.Width, shape.Decoder.Width);
        maskToken = parameters.Add("mask_token", initial.Normal(0.02), 1, 1, shape.Decoder.Width);
        Positions = new PositionTable("decoder_pos_embed", shape.Grid, shape.Decoder.Width);
        Blocks = new BlockStack(parameters, initial, "decoder_blocks", "decoder_norm", shape.Decoder);
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

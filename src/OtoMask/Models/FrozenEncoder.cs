using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, N of the L patches of the input, P = ph * pw values a patch, D width.

/// <summary>An encoder that embeds and does not learn: weights without gradients, and nothing that predicts. One of a model in training
/// (<see cref="MaskedModel.Frozen"/>) sees its weights as they stand.</summary>
public sealed class FrozenEncoder : IDisposable
{
    private readonly VisionTransformer transformer;
    private readonly ParameterSet? own;

    /// <summary>Builds an encoder and draws its first values: those of a model in training of the same seed.</summary>
    /// <param name="shape">Its sizes.</param>
    /// <param name="seed">Seed of the first values.</param>
    /// <param name="device">Where it lives.</param>
    /// <exception cref="UserErrorException">The shape is impossible.</exception>
    public FrozenEncoder(EncoderShape shape, ulong seed, Device device)
    {
        shape.Validate();
        own = new ParameterSet();
        transformer = new VisionTransformer(shape, own, new Initial(seed));
        (Shape, Parameters) = (Alone(shape), [.. own.Parameters]);
        own.LayOut(device, trained: false);
        LayOut(device);
    }

    /// <summary>The encoder of a model whose parameters so far are those of the encoder.</summary>
    internal FrozenEncoder(VisionTransformer transformer, EncoderShape shape, ParameterSet trained) =>
        (this.transformer, Shape, Parameters) = (transformer, Alone(shape), [.. trained.Parameters]);

    /// <summary>Its sizes.</summary>
    public EncoderShape Shape { get; }

    /// <summary>Its parameters, by the field's names.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Positions of its tokens, [1 + L, D].</summary>
    internal PositionTable Positions => transformer.Positions;

    /// <summary>Where it lives.</summary>
    public Device Device { get; private set; } = Device.Cpu;

    /// <summary>Encodes patches: [B, N, P], ids [B, N] -> [B, 1 + N, D], CLS first, after the last layer normalisation.</summary>
    public Tensor Encode(Tensor patches, Tensor ids)
    {
        using IDisposable noGrad = TorchRuntime.NoGrad();
        return transformer.Forward(patches, ids);
    }

    /// <summary>What every layer makes of the patches: as many [B, 1 + N, D] as the encoder is deep.</summary>
    public IReadOnlyList<Tensor> EncodeEveryLayer(Tensor patches, Tensor ids)
    {
        using IDisposable noGrad = TorchRuntime.NoGrad();
        return transformer.Blocks.ForwardEveryLayer(transformer.Embed(patches, ids));
    }

    internal void LayOut(Device device)
    {
        Device = device;
        transformer.LayOut(device);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        transformer.Dispose();
        own?.Dispose();
    }

    private static EncoderShape Alone(EncoderShape shape) => new(shape.Input, shape.Encoder);
}

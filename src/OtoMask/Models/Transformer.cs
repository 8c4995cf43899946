using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, N tokens, D width, h heads, d = D / h.

/// <summary>A linear map with bias: [.., in] -> [.., out].</summary>
internal sealed class Linear(ParameterSet parameters, Initial initial, string name, int inputs, int outputs)
{
    public Parameter Weight { get; } = parameters.Add($"{name}.weight", initial.Xavier(inputs, outputs), outputs, inputs);

    public Parameter Bias { get; } = parameters.Add($"{name}.bias", Initial.Zeros, outputs);

    /// <summary>x W^T + b.</summary>
    public Tensor Forward(Tensor x) => F.Linear(x, Weight, Bias);
}

/// <summary>Layer normalisation over the last dimension.</summary>
internal sealed class LayerNorm(ParameterSet parameters, string name, int width)
{
    public const double Epsilon = 1e-6;

    public Parameter Weight { get; } = parameters.Add($"{name}.weight", Initial.Ones, width);

    public Parameter Bias { get; } = parameters.Add($"{name}.bias", Initial.Zeros, width);

    public Tensor Forward(Tensor x) => F.LayerNorm(x, Weight, Bias, Epsilon);
}

/// <summary>A pre-norm transformer block: x += Attention(LN(x)); x += Mlp(LN(x)). The MLP is four times as wide inside.</summary>
internal sealed class Block(ParameterSet parameters, Initial initial, string name, int width, int heads)
{
    private const int MlpRatio = 4;
    private readonly LayerNorm norm1 = new(parameters, $"{name}.norm1", width);
    private readonly Linear qkv = new(parameters, initial, $"{name}.attn.qkv", width, 3 * width);
    private readonly Linear proj = new(parameters, initial, $"{name}.attn.proj", width, width);
    private readonly LayerNorm norm2 = new(parameters, $"{name}.norm2", width);
    private readonly Linear fc1 = new(parameters, initial, $"{name}.mlp.fc1", width, MlpRatio * width);
    private readonly Linear fc2 = new(parameters, initial, $"{name}.mlp.fc2", MlpRatio * width, width);
    private readonly Parameter[] weightsAndBiases = [.. parameters.Parameters.TakeLast(12)]; // of the six parts above, in their order

    /// <summary>Its weight matrices; they lie side by side in the flat buffer.</summary>
    public IReadOnlyList<Parameter> Weights { get; } = [.. parameters.Parameters.TakeLast(12).Where(parameter => parameter.Decays)];

    public Tensor Forward(Tensor x)
    {
        using var scope = new TensorScope();
        return scope.Keep(AddMlp(AddAttention(x)));
    }

    /// <summary>The same to the bit; only <paramref name="x"/> is kept for the gradient.</summary>
    public Tensor ForwardCheckpointed(Tensor x) => F.CheckpointedBlock(x, [.. weightsAndBiases.Select(parameter => parameter.Value)], heads, LayerNorm.Epsilon);

    /// <summary>x + Attention(LN(x)): every token looks at every other.</summary>
    public Tensor AddAttention(Tensor x) =>
        F.AttentionBranch(x, norm1.Weight, norm1.Bias, qkv.Weight, qkv.Bias, proj.Weight, proj.Bias, heads, LayerNorm.Epsilon);

    /// <summary>x + Mlp(LN(x)).</summary>
    public Tensor AddMlp(Tensor x) => F.MlpBranch(x, norm2.Weight, norm2.Bias, fc1.Weight, fc1.Bias, fc2.Weight, fc2.Bias, LayerNorm.Epsilon);
}

/// <summary>Blocks one after the other, then a layer normalisation.</summary>
internal sealed class BlockStack
{
    private readonly Block[] blocks;
    private readonly LayerNorm norm;

    public BlockStack(ParameterSet parameters, Initial initial, string blocksName, string normName, BlockShape shape)
    {
        blocks = new Block[shape.Depth];
        for (int i = 0; i < blocks.Length; i++)
            blocks[i] = new Block(parameters, initial, $"{blocksName}.{i}", shape.Width, shape.Heads);
        norm = new LayerNorm(parameters, normName, shape.Width);
    }

    /// <summary>Whether blocks keep only their input for the gradient and compute the rest again: less memory, more time, the same bits.</summary>
    public bool CheckpointActivations { get; set; }

    /// <summary>Is told of every block on the way, or null.</summary>
    public IBlockWatch? Watch { get; set; }

    /// <summary>[B, N, D] -> [B, N, D], normalised.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = new TensorScope();
        return scope.Keep(norm.Forward(Through(blocks, x)));
    }

    /// <summary>The same for the tokens from <paramref name="first"/> on alone: [B, N, D] -> [B, N - first, D]. All of them are attended to,
    /// but what no later attention sees is not computed.</summary>
    public Tensor Forward(Tensor x, long first)
    {
        using var scope = new TensorScope();
        // The gradient begins in the last block, so it has nothing to gain from a checkpoint: what it keeps is wanted at once.
        x = Through(blocks.AsSpan(..^1), x);
        Watch?.Entering(blocks[^1].Weights, x);
        x = blocks[^1].AddAttention(x);
        x = blocks[^1].AddMlp(x.Narrow(1, first, x.Shape[1] - first));
        return scope.Keep(norm.Forward(x));
    }

    /// <summary>What comes out of every block; the last one normalised.</summary>
    public IReadOnlyList<Tensor> ForwardEveryLayer(Tensor x)
    {
        var layers = new List<Tensor>();
        foreach (Block block in blocks)
            layers.Add(x = block.Forward(x));
        layers[^1] = norm.Forward(x);
        return layers;
    }

    /// <summary>What comes out of the last of these blocks. What passes between them is let go at once: autograd keeps what it wants.</summary>
    private Tensor Through(ReadOnlySpan<Block> blocks, Tensor x)
    {
        Tensor given = x;
        foreach (Block block in blocks)
        {
            Watch?.Entering(block.Weights, x);
            Tensor y = CheckpointActivations ? block.ForwardCheckpointed(x) : block.Forward(x);
            if (x != given)
                x.Dispose();
            x = y;
        }
        return x;
    }
}

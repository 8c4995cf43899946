using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, N tokens, D width, h heads, d = D / h.
// Each part closes a scope of its own: what autograd does not save is freed at once, not at the end of the step.

/// <summary>A linear map with bias: [.., in] -> [.., out].</summary>
internal sealed class Linear(ParameterSet parameters, Initial initial, string name, int inputs, int outputs)
{
    public Parameter Weight { get; } = parameters.Add($"{name}.weight", initial.Xavier(inputs, outputs), outputs, inputs);

    public Parameter Bias { get; } = parameters.Add($"{name}.bias", Initial.Zeros, outputs);

    /// <summary>x W^T + b, added to <paramref name="addTo"/> where given.</summary>
    public Tensor Forward(Tensor x, Tensor? addTo = null) => F.Linear(x, Weight, Bias, addTo);
}

/// <summary>Layer normalisation over the last dimension.</summary>
internal sealed class LayerNorm(ParameterSet parameters, string name, int width)
{
    public const double Epsilon = 1e-6;
    private readonly Parameter weight = parameters.Add($"{name}.weight", Initial.Ones, width);
    private readonly Parameter bias = parameters.Add($"{name}.bias", Initial.Zeros, width);

    public Tensor Forward(Tensor x) => F.LayerNorm(x, weight, bias, Epsilon);

    /// <summary>Where a residual branch begins: x normalised, and x to add the branch to.</summary>
    public (Tensor Normalised, Tensor Residual) Branch(Tensor x) => F.LayerNormBranch(x, weight, bias, Epsilon);
}

/// <summary>Multi-head self-attention: every token looks at every other.</summary>
internal sealed class Attention(ParameterSet parameters, Initial initial, string name, int width, int heads)
{
    private readonly Linear qkv = new(parameters, initial, $"{name}.qkv", width, 3 * width);
    private readonly Linear proj = new(parameters, initial, $"{name}.proj", width, width);

    public Tensor Forward(Tensor x, Tensor addTo)
    {
        using var scope = new TensorScope();
        return scope.Keep(proj.Forward(F.Attention(qkv.Forward(x), heads), addTo)); // [B, N, D]
    }
}

/// <summary>Two linear maps with an exact GELU between, four times as wide inside.</summary>
internal sealed class Mlp(ParameterSet parameters, Initial initial, string name, int width)
{
    private const int Ratio = 4;
    private readonly Linear fc1 = new(parameters, initial, $"{name}.fc1", width, Ratio * width);
    private readonly Linear fc2 = new(parameters, initial, $"{name}.fc2", Ratio * width, width);

    public Tensor Forward(Tensor x, Tensor addTo) => F.Mlp(x, fc1.Weight, fc1.Bias, fc2.Weight, fc2.Bias, addTo); // [B, N, D]
}

/// <summary>A pre-norm transformer block: x += Attention(LN(x)); x += Mlp(LN(x)).</summary>
internal sealed class Block(ParameterSet parameters, Initial initial, string name, int width, int heads)
{
    private readonly LayerNorm norm1 = new(parameters, $"{name}.norm1", width);
    private readonly Attention attn = new(parameters, initial, $"{name}.attn", width, heads);
    private readonly LayerNorm norm2 = new(parameters, $"{name}.norm2", width);
    private readonly Mlp mlp = new(parameters, initial, $"{name}.mlp", width);
    private readonly Parameter[] weightsAndBiases = [.. parameters.Parameters.TakeLast(12)]; // of the six parts above, in their order

    public Tensor Forward(Tensor x) => AddMlp(AddAttention(x));

    /// <summary>The same to the bit; only <paramref name="x"/> is kept for the gradient.</summary>
    public Tensor ForwardCheckpointed(Tensor x) => F.CheckpointedBlock(x, [.. weightsAndBiases.Select(parameter => parameter.Value)], heads, LayerNorm.Epsilon);

    /// <summary>x + Attention(LN(x)).</summary>
    public Tensor AddAttention(Tensor x)
    {
        using var scope = new TensorScope();
        (Tensor normalised, Tensor residual) = norm1.Branch(x);
        return scope.Keep(attn.Forward(normalised, addTo: residual));
    }

    /// <summary>x + Mlp(LN(x)).</summary>
    public Tensor AddMlp(Tensor x)
    {
        using var scope = new TensorScope();
        (Tensor normalised, Tensor residual) = norm2.Branch(x);
        return scope.Keep(mlp.Forward(normalised, addTo: residual));
    }
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

    /// <summary>[B, N, D] -> [B, N, D], normalised.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = new TensorScope();
        foreach (Block block in blocks)
            x = Forward(block, x);
        return scope.Keep(norm.Forward(x));
    }

    /// <summary>The same for the tokens from <paramref name="first"/> on alone: [B, N, D] -> [B, N - first, D]. All of them are attended to,
    /// but what no later attention sees is not computed.</summary>
    public Tensor Forward(Tensor x, long first)
    {
        using var scope = new TensorScope();
        foreach (Block block in blocks.AsSpan(..^1))
            x = Forward(block, x);
        // The gradient begins here, so this block has nothing to gain from a checkpoint: what it keeps is wanted at once.
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

    private Tensor Forward(Block block, Tensor x) => CheckpointActivations ? block.ForwardCheckpointed(x) : block.Forward(x);
}

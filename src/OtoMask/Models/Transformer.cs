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

/// <summary>What every transformer block is made of: attention of every token to every other, and an MLP that is four times as wide inside, each with a norm and a residual sum.</summary>
internal abstract class Block(ParameterSet parameters, Initial initial, string name, int width, int heads)
{
    private const int MlpRatio = 4;
    protected LayerNorm Norm1 { get; } = new(parameters, $"{name}.norm1", width);
    protected Linear Qkv { get; } = new(parameters, initial, $"{name}.attn.qkv", width, 3 * width);
    protected Linear Proj { get; } = new(parameters, initial, $"{name}.attn.proj", width, width);
    protected LayerNorm Norm2 { get; } = new(parameters, $"{name}.norm2", width);
    protected Linear Fc1 { get; } = new(parameters, initial, $"{name}.mlp.fc1", width, MlpRatio * width);
    protected Linear Fc2 { get; } = new(parameters, initial, $"{name}.mlp.fc2", MlpRatio * width, width);
    protected Parameter[] WeightsAndBiases { get; } = [.. parameters.Parameters.TakeLast(12)]; // of the six parts above, in their order

    /// <summary>A block of a shape.</summary>
    public static Block Of(ParameterSet parameters, Initial initial, string name, BlockShape shape) => shape.PostNorm
        ? new PostNormBlock(parameters, initial, name, shape.Width, shape.Heads)
        : new PreNormBlock(parameters, initial, name, shape.Width, shape.Heads);

    /// <summary>Its weight matrices; they lie side by side in the flat buffer.</summary>
    public IReadOnlyList<Parameter> Weights { get; } = [.. parameters.Parameters.TakeLast(12).Where(parameter => parameter.Decays)];

    protected int Width => width;

    protected int Heads => heads;

    public Tensor Forward(Tensor x)
    {
        using var scope = new TensorScope();
        return scope.Keep(AddMlp(AddAttention(x)));
    }

    /// <summary>The same to the bit; only <paramref name="x"/> is kept for the gradient, where the block can do so.</summary>
    public abstract Tensor ForwardCheckpointed(Tensor x);

    /// <summary>The first half: every token looks at every other.</summary>
    public abstract Tensor AddAttention(Tensor x);

    /// <summary>The second half.</summary>
    public abstract Tensor AddMlp(Tensor x);

    /// <summary>Both halves, and what the MLP gives before it is added: [B, N, D] each.</summary>
    public abstract (Tensor Output, Tensor Mlp) ForwardToldMlp(Tensor x);
}

/// <summary>A pre-norm block: x += Attention(LN(x)); x += Mlp(LN(x)).</summary>
internal sealed class PreNormBlock(ParameterSet parameters, Initial initial, string name, int width, int heads) : Block(parameters, initial, name, width, heads)
{
    public override Tensor ForwardCheckpointed(Tensor x) => F.CheckpointedBlock(x, [.. WeightsAndBiases.Select(parameter => parameter.Value)], Heads, LayerNorm.Epsilon);

    /// <summary>x + Attention(LN(x)).</summary>
    public override Tensor AddAttention(Tensor x) =>
        F.AttentionBranch(x, Norm1.Weight, Norm1.Bias, Qkv.Weight, Qkv.Bias, Proj.Weight, Proj.Bias, Heads, LayerNorm.Epsilon);

    /// <summary>x + Mlp(LN(x)).</summary>
    public override Tensor AddMlp(Tensor x) => F.MlpBranch(x, Norm2.Weight, Norm2.Bias, Fc1.Weight, Fc1.Bias, Fc2.Weight, Fc2.Bias, LayerNorm.Epsilon);

    public override (Tensor Output, Tensor Mlp) ForwardToldMlp(Tensor x)
    {
        using var scope = new TensorScope();
        Tensor between = AddAttention(x), output = AddMlp(between);
        return (scope.Keep(output), scope.Keep(output - between)); // the residual stream is float32, also where products are not
    }
}

/// <summary>A post-norm block, as EAT's published encoder has them: x = LN(x + Attention(x)); x = LN(x + Mlp(x)).</summary>
/// <remarks>Vaswani et al., "Attention is all you need", 2017. In operators of ATen: it is for models of others, which are encoded and fine-tuned.</remarks>
internal sealed class PostNormBlock(ParameterSet parameters, Initial initial, string name, int width, int heads) : Block(parameters, initial, name, width, heads)
{
    /// <summary>As <see cref="Block.Forward"/>: everything is kept.</summary>
    public override Tensor ForwardCheckpointed(Tensor x) => Forward(x);

    /// <summary>LN(x + Attention(x)).</summary>
    public override Tensor AddAttention(Tensor x)
    {
        using var scope = new TensorScope();
        long clips = x.Shape[0], tokens = x.Shape[1], size = Width / Heads;
        Tensor[] parts = Qkv.Forward(x).Reshape(clips, tokens, 3, Heads, size).Permute(2, 0, 3, 1, 4).Unbind(0); // [B, h, N, d] each
        Tensor attention = F.Softmax((parts[0] * (1 / Math.Sqrt(size))).MatMul(parts[1].Transpose(2, 3)), -1); // [B, h, N, N]
        Tensor mixed = attention.MatMul(parts[2]).Transpose(1, 2).Reshape(clips, tokens, Width);
        return scope.Keep(Norm1.Forward(x + Proj.Forward(mixed)));
    }

    /// <summary>LN(x + Mlp(x)).</summary>
    public override Tensor AddMlp(Tensor x)
    {
        using var scope = new TensorScope();
        return scope.Keep(Norm2.Forward(x + Mlp(x)));
    }

    public override (Tensor Output, Tensor Mlp) ForwardToldMlp(Tensor x)
    {
        using var scope = new TensorScope();
        Tensor between = AddAttention(x), mlp = Mlp(between);
        return (scope.Keep(Norm2.Forward(between + mlp)), scope.Keep(mlp));
    }

    private Tensor Mlp(Tensor x) => Fc2.Forward(F.Gelu(Fc1.Forward(x)));
}

/// <summary>Blocks one after the other and a layer normalisation: behind pre-norm blocks, before post-norm ones.</summary>
internal sealed class BlockStack
{
    private readonly Block[] blocks;
    private readonly LayerNorm norm;
    private readonly bool postNorm;

    public BlockStack(ParameterSet parameters, Initial initial, string blocksName, string normName, BlockShape shape)
    {
        postNorm = shape.PostNorm;
        blocks = new Block[shape.Depth];
        for (int i = 0; i < blocks.Length; i++)
            blocks[i] = Block.Of(parameters, initial, $"{blocksName}.{i}", shape);
        norm = new LayerNorm(parameters, postNorm ? normName + BeforeBlocks : normName, shape.Width);
    }

    /// <summary>What the name of the norm ends in where it stands before the blocks.</summary>
    public const string BeforeBlocks = "_pre";

    /// <summary>Whether blocks keep only their input for the gradient and compute the rest again: less memory, more time, the same bits.</summary>
    public bool CheckpointActivations { get; set; }

    /// <summary>Is told of every block on the way, or null.</summary>
    public IBlockWatch? Watch { get; set; }

    /// <summary>[B, N, D] -> [B, N, D], normalised.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = new TensorScope();
        return scope.Keep(Out(Through(blocks, In(x))));
    }

    /// <summary>The mean of what comes out of some blocks, normalised: [B, N, D] -> [B, N, D]. Blocks behind the last of them are not computed.</summary>
    public Tensor ForwardMean(Tensor x, TargetLayers layers)
    {
        using var scope = new TensorScope();
        Tensor? sum = null;
        ThroughFirst(layers.Last, In(x), (number, given) =>
        {
            Tensor y = blocks[number - 1].Forward(given);
            if (!layers.Contains(number))
                return y;
            if (sum is null)
                sum = y * 1;
            else
                sum.AddInto(y);
            return y;
        });
        return scope.Keep(Out(sum! * (1.0 / layers.Count)));
    }

    /// <summary>What the MLPs of some blocks give before it is added to the residual stream, [B, N, D] each.</summary>
    public IReadOnlyList<Tensor> ForwardMlps(Tensor x, TargetLayers layers)
    {
        using var scope = new TensorScope();
        var mlps = new List<Tensor>();
        ThroughFirst(layers.Last, In(x), (number, given) =>
        {
            (Tensor output, Tensor mlp) = blocks[number - 1].ForwardToldMlp(given);
            if (layers.Contains(number))
                mlps.Add(scope.Keep(mlp));
            else
                mlp.Dispose();
            return output;
        });
        return mlps;
    }

    /// <summary>The same for the tokens from <paramref name="first"/> on alone: [B, N, D] -> [B, N - first, D]. All of them are attended to,
    /// but what no later attention sees is not computed.</summary>
    public Tensor Forward(Tensor x, long first)
    {
        using var scope = new TensorScope();
        x = In(x);
        // The gradient begins in the last block, so it has nothing to gain from a checkpoint: what it keeps is wanted at once.
        x = Through(blocks.AsSpan(..^1), x);
        Watch?.Entering(blocks[^1].Weights, x);
        x = blocks[^1].AddAttention(x);
        x = blocks[^1].AddMlp(x.Narrow(1, first, x.Shape[1] - first));
        return scope.Keep(Out(x));
    }

    /// <summary>What comes out of every block; the last one normalised.</summary>
    public IReadOnlyList<Tensor> ForwardEveryLayer(Tensor x)
    {
        var layers = new List<Tensor>();
        x = In(x);
        foreach (Block block in blocks)
            layers.Add(x = block.Forward(x));
        layers[^1] = Out(x);
        return layers;
    }

    private Tensor In(Tensor x) => postNorm ? norm.Forward(x) : x;

    private Tensor Out(Tensor x) => postNorm ? x : norm.Forward(x);

    /// <summary>Walks through the first blocks, each of which is given what the one before made of it. What passes between them is let go at once.</summary>
    /// <param name="count">How many blocks.</param>
    /// <param name="x">What the first is given.</param>
    /// <param name="pass">Passes a block, by its number from 1.</param>
    private static void ThroughFirst(int count, Tensor x, Func<int, Tensor, Tensor> pass)
    {
        for (int number = 1; number <= count; number++)
        {
            Tensor y = pass(number, x);
            if (number > 1)
                x.Dispose();
            x = y;
        }
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

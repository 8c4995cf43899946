namespace OtoMask.Torch;

/// <summary>Functions of neural networks, named as in PyTorch.</summary>
public static class F
{
    private static readonly Operator LinearOp = new("aten::linear"), LayerNormOp = new("aten::layer_norm"), GeluOp = new("aten::gelu");
    private static readonly Operator SoftmaxOp = new("aten::softmax", "int"), LogSoftmaxOp = new("aten::log_softmax", "int"), NormOp = new("aten::norm", "ScalarOpt_dim");
    private static readonly Operator SigmoidOp = new("aten::sigmoid"), SoftplusOp = new("aten::softplus");
    private static readonly Operator EmbeddingOp = new("aten::embedding"), ClampMinOp = new("aten::clamp_min");

    /// <summary>x W^T + b: [.., in] -> [.., out].</summary>
    /// <param name="x">[.., in].</param>
    /// <param name="weight">[out, in].</param>
    /// <param name="bias">[out].</param>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null) => LinearOp.Call(x, weight, bias);

    /// <summary>Each vector of the last dimension to mean 0 and variance 1, then scaled and shifted.</summary>
    public static Tensor LayerNorm(Tensor x, Tensor weight, Tensor bias, double epsilon) =>
        LayerNormOp.Call(x, weight.Shape, weight, bias, epsilon);

    /// <summary>The exact (erf) Gaussian error linear unit.</summary>
    public static Tensor Gelu(Tensor x) => GeluOp.Call(x);

    /// <summary>Rows of <paramref name="table"/> [n, D] picked by <paramref name="ids"/>, any shape: [..] -> [.., D].</summary>
    public static Tensor Embedding(Tensor table, Tensor ids) => EmbeddingOp.Call(table, ids);

    /// <summary>Scaled dot-product self-attention of all tokens of a clip: [B, N, 3 * D] -> [B, N, D].</summary>
    /// <param name="qkv">Queries, keys and values of every head side by side: [B, N, 3 * h * d].</param>
    /// <param name="heads">h; the scale is 1 / sqrt(d).</param>
    /// <remarks>Vaswani et al., "Attention is all you need", 2017.</remarks>
    public static Tensor Attention(Tensor qkv, int heads)
    {
        using var scope = new TensorScope();
        long[] shape = qkv.Shape;
        long clips = shape[0], tokens = shape[1], width = shape[2] / 3, size = width / heads;
        Tensor[] parts = qkv.Reshape(clips, tokens, 3, heads, size).Permute(2, 0, 3, 1, 4).Unbind(0); // 3 x [B, h, N, d]
        Tensor scores = (parts[0] * (1 / Math.Sqrt(size))).MatMul(parts[1].Transpose(-2, -1)); // [B, h, N, N]
        Tensor mixed = Softmax(scores, -1).MatMul(parts[2]); // [B, h, N, d]
        return scope.Keep(mixed.Transpose(1, 2).Reshape(clips, tokens, width)); // [B, N, D]
    }

    /// <summary>Softmax over one dimension.</summary>
    public static Tensor Softmax(Tensor x, int dimension) => SoftmaxOp.Call(x, dimension);

    /// <summary>Logarithm of the softmax over one dimension.</summary>
    public static Tensor LogSoftmax(Tensor x, int dimension) => LogSoftmaxOp.Call(x, dimension);

    /// <summary>1 / (1 + e^-x).</summary>
    public static Tensor Sigmoid(Tensor x) => SigmoidOp.Call(x);

    /// <summary>log(1 + e^x).</summary>
    public static Tensor Softplus(Tensor x) => SoftplusOp.Call(x);

    /// <summary>Each vector of the last dimension divided by its Euclidean norm, or by 1e-12 if that is larger.</summary>
    public static Tensor Normalize(Tensor x) => x / ClampMinOp.Call(NormOp.Call(x, 2.0, new long[] { -1 }, true), 1e-12);
}

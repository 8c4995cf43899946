namespace OtoMask.Torch;

/// <summary>Functions of neural networks, named as in PyTorch.</summary>
public static class F
{
    private static readonly Operator LinearOp = new("aten::linear"), LayerNormOp = new("aten::layer_norm"), GeluOp = new("aten::gelu");
    private static readonly Operator SoftmaxOp = new("aten::softmax", "int"), LogSoftmaxOp = new("aten::log_softmax", "int"), NormOp = new("aten::norm", "ScalarOpt_dim");
    private static readonly Operator ClampMinOp = new("aten::clamp_min"), BinaryCrossEntropyOp = new("aten::binary_cross_entropy_with_logits");

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

    /// <summary>Softmax over one dimension.</summary>
    public static Tensor Softmax(Tensor x, int dimension) => SoftmaxOp.Call(x, dimension);

    /// <summary>Logarithm of the softmax over one dimension.</summary>
    public static Tensor LogSoftmax(Tensor x, int dimension) => LogSoftmaxOp.Call(x, dimension);

    /// <summary>Each vector of the last dimension divided by its Euclidean norm, or by 1e-12 if that is larger.</summary>
    public static Tensor Normalize(Tensor x) => x / ClampMinOp.Call(NormOp.Call(x, 2.0, new long[] { -1 }, true), 1e-12);

    /// <summary>Mean binary cross-entropy of logits against targets in [0, 1], the same shape.</summary>
    public static Tensor BinaryCrossEntropyWithLogits(Tensor logits, Tensor targets) => BinaryCrossEntropyOp.Call(logits, targets);
}

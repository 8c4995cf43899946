namespace OtoMask.Torch;

/// <summary>Functions of neural networks, named as in PyTorch.</summary>
public static class F
{
    private static readonly Operator LinearOp = new("otomask::linear"), LayerNormOp = new("otomask::layer_norm"), CosineLossOp = new("otomask::cosine_loss");
    private static readonly Operator AttentionBranchOp = new("otomask::attention_branch"), MlpBranchOp = new("otomask::mlp_branch");
    private static readonly Operator CheckpointedBlockOp = new("otomask::checkpointed_block");
    private static readonly Operator LogSoftmaxOp = new("aten::log_softmax", "int"), NormOp = new("aten::norm", "ScalarOpt_dim");
    private static readonly Operator SigmoidOp = new("aten::sigmoid"), SoftplusOp = new("aten::softplus");
    private static readonly Operator BatchNormOp = new("aten::batch_norm"), BinaryCrossEntropyOp = new("aten::binary_cross_entropy_with_logits");
    private static readonly Operator EmbeddingOp = new("aten::embedding"), ClampMinOp = new("aten::clamp_min"), BicubicOp = new("aten::upsample_bicubic2d");
    private static readonly Operator NormGeluOp = new("otomask::norm_gelu");
    private static readonly Operator StandardiseOp = new("aten::layer_norm"), GeluOp = new("aten::gelu"), SoftmaxOp = new("aten::softmax", "int"), ConvolutionOp = new("aten::conv2d");

    /// <summary>x W^T + b: [.., in] -> [.., out].</summary>
    /// <param name="x">[.., in].</param>
    /// <param name="weight">[out, in].</param>
    /// <param name="bias">[out].</param>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor bias) => LinearOp.Call(x, weight, bias);

    /// <summary>Each vector of the last dimension to mean 0 and variance 1, then scaled and shifted.</summary>
    /// <param name="x">[.., D].</param>
    /// <param name="weight">[D].</param>
    /// <param name="bias">[D].</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static Tensor LayerNorm(Tensor x, Tensor weight, Tensor bias, double epsilon) => LayerNormOp.Call(x, weight, bias, epsilon);

    /// <summary>Each vector of the last dimension to mean 0 and variance 1 (biased, <paramref name="epsilon"/> added to it), neither scaled nor shifted.</summary>
    public static Tensor LayerNorm(Tensor x, double epsilon) => StandardiseOp.Call(x, new[] { x.Shape[^1] }, Argument.None, Argument.None, epsilon);

    /// <summary>gelu(LN(x)) + residual, LN without gain and bias: [.., D] -> [.., D]. What LN gives is computed a second time for the gradient, not kept.</summary>
    /// <param name="x">[.., D].</param>
    /// <param name="residual">[.., D], or null for none.</param>
    /// <param name="epsilon">Added to the variance by LN.</param>
    public static Tensor NormGelu(Tensor x, Tensor? residual, double epsilon) => NormGeluOp.Call(x, residual, epsilon);

    /// <summary>The exact (erf) Gaussian error linear unit of each value.</summary>
    public static Tensor Gelu(Tensor x) => GeluOp.Call(x);

    /// <summary>The softmax over one dimension.</summary>
    public static Tensor Softmax(Tensor x, int dimension) => SoftmaxOp.Call(x, dimension);

    /// <summary>Images convolved in groups of channels, of the same size before and after: [B, in, H, W] -> [B, out, H, W].</summary>
    /// <param name="x">[B, in, H, W].</param>
    /// <param name="weight">[out, in / groups, k, k], k odd.</param>
    /// <param name="bias">[out].</param>
    /// <param name="groups">How many groups of channels, each of which sees its own alone; a divisor of in and out.</param>
    public static Tensor Convolution(Tensor x, Tensor weight, Tensor bias, int groups)
    {
        long edge = weight.Shape[^1] / 2;
        return ConvolutionOp.Call(x, weight, bias, new long[] { 1, 1 }, new[] { edge, edge }, new long[] { 1, 1 }, groups);
    }

    /// <summary>Rows of <paramref name="table"/> [n, D] picked by <paramref name="ids"/>, any shape: [..] -> [.., D].</summary>
    public static Tensor Embedding(Tensor table, Tensor ids) => EmbeddingOp.Call(table, ids);

    /// <summary>Images resized by bicubic interpolation, corners not aligned, without antialiasing: [B, C, H, W] -> [B, C, height, width].</summary>
    public static Tensor ResizeBicubic(Tensor x, int height, int width) => BicubicOp.Call(x, new long[] { height, width }, false);

    /// <summary>The first half of a pre-norm transformer block, x + proj(attention(qkv(LN(x)))), where every token of a clip looks at every
    /// other: [B, N, D] -> [B, N, D]. What LN gives is computed a second time for the gradient, not kept.</summary>
    /// <param name="x">[B, N, D], the residual stream.</param>
    /// <param name="normWeight">[D].</param>
    /// <param name="normBias">[D].</param>
    /// <param name="qkvWeight">[3 D, D]: queries, keys and values of every head.</param>
    /// <param name="qkvBias">[3 D].</param>
    /// <param name="projWeight">[D, D].</param>
    /// <param name="projBias">[D].</param>
    /// <param name="heads">Attention heads, a divisor of D; scores are divided by the root of D / heads.</param>
    /// <param name="epsilon">Added to the variance by LN.</param>
    /// <remarks>Vaswani et al., "Attention is all you need", 2017; Xiong et al., "On layer normalization in the transformer architecture", 2020.</remarks>
    public static Tensor AttentionBranch(
        Tensor x, Tensor normWeight, Tensor normBias, Tensor qkvWeight, Tensor qkvBias, Tensor projWeight, Tensor projBias, int heads, double epsilon) =>
        AttentionBranchOp.Call(x, normWeight, normBias, qkvWeight, qkvBias, projWeight, projBias, heads, epsilon);

    /// <summary>The second half, x + outer(gelu(inner(LN(x)))), with an exact (erf) Gaussian error linear unit: [.., D] -> [.., D]. What LN
    /// gives and the unit's output are computed a second time for the gradient, not kept.</summary>
    /// <param name="x">[.., D], the residual stream.</param>
    /// <param name="normWeight">[D].</param>
    /// <param name="normBias">[D].</param>
    /// <param name="innerWeight">[H, D].</param>
    /// <param name="innerBias">[H].</param>
    /// <param name="outerWeight">[D, H].</param>
    /// <param name="outerBias">[D].</param>
    /// <param name="epsilon">Added to the variance by LN.</param>
    public static Tensor MlpBranch(
        Tensor x, Tensor normWeight, Tensor normBias, Tensor innerWeight, Tensor innerBias, Tensor outerWeight, Tensor outerBias, double epsilon) =>
        MlpBranchOp.Call(x, normWeight, normBias, innerWeight, innerBias, outerWeight, outerBias, epsilon);

    /// <summary>A pre-norm transformer block that keeps only <paramref name="x"/> for its gradient and computes the rest again:
    /// x += Attention(LN(x)); x += Mlp(LN(x)). [B, N, D] -> [B, N, D].</summary>
    /// <param name="x">[B, N, D].</param>
    /// <param name="parameters">Weight and bias of norm1, qkv, proj, norm2, fc1 and fc2.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="epsilon">Added to the variance by both norms.</param>
    /// <remarks>Values and gradients are to the bit those of the same operators called one by one. Chen et al., "Training deep nets
    /// with sublinear memory cost", 2016.</remarks>
    public static Tensor CheckpointedBlock(Tensor x, Tensor[] parameters, int heads, double epsilon) => CheckpointedBlockOp.Call(x, parameters, heads, epsilon);

    /// <summary>Logarithm of the softmax over one dimension.</summary>
    public static Tensor LogSoftmax(Tensor x, int dimension) => LogSoftmaxOp.Call(x, dimension);

    /// <summary>1 / (1 + e^-x).</summary>
    public static Tensor Sigmoid(Tensor x) => SigmoidOp.Call(x);

    /// <summary>log(1 + e^x).</summary>
    public static Tensor Softplus(Tensor x) => SoftplusOp.Call(x);

    /// <summary>Each column of <paramref name="x"/> [B, n] to mean 0 and variance 1, without scale and shift.</summary>
    /// <param name="x">[B, n].</param>
    /// <param name="runningMean">[n], means to use, or to move by <paramref name="momentum"/> of the way to the batch's while training.</param>
    /// <param name="runningVariance">[n], variances likewise.</param>
    /// <param name="training">Whether the batch's own mean and (biased) variance are used.</param>
    /// <param name="momentum">How fast the running values follow.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <remarks>Ioffe and Szegedy, "Batch normalization", ICML 2015.</remarks>
    public static Tensor BatchNorm(Tensor x, Tensor runningMean, Tensor runningVariance, bool training, double momentum, double epsilon) =>
        BatchNormOp.Call(x, Argument.None, Argument.None, runningMean, runningVariance, training, momentum, epsilon, false);

    /// <summary>Mean over all entries of the binary cross-entropy of logits against targets in 0 .. 1, a tensor of no dimension.</summary>
    public static Tensor BinaryCrossEntropy(Tensor logits, Tensor targets) => BinaryCrossEntropyOp.Call(logits, targets);

    /// <summary>Each vector of the last dimension divided by its Euclidean norm, or by 1e-12 if that is larger.</summary>
    public static Tensor Normalize(Tensor x) => x / ClampMinOp.Call(NormOp.Call(x, 2.0, new long[] { -1 }, true), 1e-12);

    /// <summary>Mean over the vectors of the last dimension of 2 - 2 cos(predicted, target less its mean over the root of its unbiased
    /// variance + 1e-6), a tensor of no dimension. The target has no gradient.</summary>
    /// <remarks>Niizumi et al., arXiv 2210.14648. docs/method.md section 5.</remarks>
    public static Tensor CosineLoss(Tensor predicted, Tensor target) => CosineLossOp.Call(predicted, target);
}

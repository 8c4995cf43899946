using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>
/// Label-free measures of how much of its width a representation uses. Under collapse the loss looks fine, while RankMe
/// falls towards 1 and CEV-AUC rises towards 1.
/// </summary>
/// <remarks>
/// <para>Both look at the singular values of the matrix of tokens [n, D]: RankMe after Garrido et al., ICML 2023; the cumulative explained
/// variance after Li, Efros and Pathak, ECCV 2022 (docs/method.md section 9).</para>
/// <para>The singular values are the square roots of the eigenvalues of the Gram matrix of the shorter side, min(n, D) squared, all in
/// double. Squaring costs the small ones their precision: below about 1e-8 of the largest they are noise. That is finer than
/// a decomposition of the float32 matrix resolves (1e-7), and moves RankMe by 1e-4 where all but one of 768 vanish.</para>
/// <para>Cost: n * D * min(n, D) multiply-adds on all cores, and 8 n D bytes.</para>
/// </remarks>
public static class RepresentationHealth
{
    private const double ShareFloor = 2.2e-16;
    private static readonly Operator EigenvaluesOp = new("aten::linalg_eigvalsh");

    /// <summary>
    /// The effective number of dimensions: exp of the entropy of the singular values, normalised to sum to 1. From 1 (all tokens on
    /// one line through the origin) to min(n, D).
    /// </summary>
    /// <param name="tokens">n tokens of <paramref name="width"/> values, [n, D].</param>
    /// <param name="width">D.</param>
    /// <param name="device">Where to compute; null = on the processor.</param>
    /// <returns>NaN where a token is not finite; 1 where all are zero.</returns>
    /// <exception cref="ArgumentException">No tokens, or no whole number of them.</exception>
    public static double RankMe(ReadOnlySpan<float> tokens, int width, Device? device = null)
    {
        using IDisposable frozen = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        double[] singular = SingularValues(Matrix(tokens, width, device));
        double sum = singular.Sum();
        if (sum == 0)
            return 1;
        double entropy = 0;
        foreach (double value in singular)
        {
            double share = value / sum + ShareFloor;
            entropy -= share * Math.Log(share);
        }
        return Math.Exp(entropy);
    }

    /// <summary>
    /// The area under the curve of cumulative explained share: the mean, over k, of the share of the k largest singular values of the
    /// tokens, each scaled to unit length, then centred. From about 0.5 (all directions alike) to 1 (collapse).
    /// </summary>
    /// <inheritdoc cref="RankMe"/>
    public static double CevAuc(ReadOnlySpan<float> tokens, int width, Device? device = null)
    {
        using IDisposable frozen = TorchRuntime.NoGrad();
        using var scope = new TensorScope();
        Tensor directions = F.Normalize(Matrix(tokens, width, device));
        double[] singular = SingularValues(directions - directions.Mean(0, keep: true));
        double sum = singular.Sum();
        if (sum == 0)
            return 1;
        double cumulative = 0, area = 0;
        foreach (double value in singular)
        {
            cumulative += value / sum;
            area += cumulative;
        }
        return area / singular.Length;
    }

    /// <summary>The tokens in double, [n, D].</summary>
    private static Tensor Matrix(ReadOnlySpan<float> tokens, int width, Device? device)
    {
        if (width <= 0 || tokens.IsEmpty || tokens.Length % width != 0)
            throw new ArgumentException($"{tokens.Length} values are no tokens of width {width}", nameof(tokens));
        return Tensor.From(tokens, tokens.Length / width, width).To(device ?? Device.Cpu).To(DType.Float64);
    }

    /// <summary>The min(n, D) singular values of a matrix [n, D], largest first.</summary>
    private static double[] SingularValues(Tensor matrix)
    {
        if (!double.IsFinite(matrix.Sum().Item()))
            return [double.NaN];
        Tensor transposed = matrix.Transpose(0, 1), gram = matrix.Shape[0] < matrix.Shape[1] ? matrix.MatMul(transposed) : transposed.MatMul(matrix);
        double[] ascending = EigenvaluesOp.Call(gram, "L").ToArray<double>();
        return [.. ascending.Reverse().Select(value => Math.Sqrt(Math.Max(value, 0)))]; // rounding leaves some of the zeros negative
    }
}

using MathNet.Numerics.LinearAlgebra;

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

    /// <summary>
    /// The effective number of dimensions: exp of the entropy of the singular values, normalised to sum to 1. From 1 (all tokens on
    /// one line through the origin) to min(n, D).
    /// </summary>
    /// <param name="tokens">n tokens of <paramref name="width"/> values, [n, D].</param>
    /// <param name="width">D.</param>
    /// <returns>NaN where a token is not finite; 1 where all are zero.</returns>
    /// <exception cref="ArgumentException">No tokens, or no whole number of them.</exception>
    public static double RankMe(ReadOnlySpan<float> tokens, int width)
    {
        double[] singular = SingularValues(ToDouble(tokens, width), width);
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
    public static double CevAuc(ReadOnlySpan<float> tokens, int width)
    {
        double[] matrix = ToDouble(tokens, width);
        ScaleToUnitLength(matrix, width);
        Centre(matrix, width);
        double[] singular = SingularValues(matrix, width);
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

    private static double[] ToDouble(ReadOnlySpan<float> tokens, int width)
    {
        if (width <= 0 || tokens.IsEmpty || tokens.Length % width != 0)
            throw new ArgumentException($"{tokens.Length} values are no tokens of width {width}", nameof(tokens));
        var matrix = new double[tokens.Length];
        for (int i = 0; i < matrix.Length; i++)
            matrix[i] = tokens[i];
        return matrix;
    }

    private static void ScaleToUnitLength(double[] matrix, int width)
    {
        for (int start = 0; start < matrix.Length; start += width)
        {
            Span<double> token = matrix.AsSpan(start, width);
            double squares = 0;
            foreach (double value in token)
                squares += value * value;
            double scale = squares > 0 ? 1 / Math.Sqrt(squares) : 0;
            foreach (ref double value in token)
                value *= scale;
        }
    }

    private static void Centre(double[] matrix, int width)
    {
        var mean = new double[width];
        for (int i = 0; i < matrix.Length; i++)
            mean[i % width] += matrix[i];
        int tokens = matrix.Length / width;
        for (int i = 0; i < matrix.Length; i++)
            matrix[i] -= mean[i % width] / tokens;
    }

    /// <summary>The min(n, D) singular values of a matrix [n, D], largest first.</summary>
    private static double[] SingularValues(double[] matrix, int width)
    {
        if (!matrix.All(double.IsFinite))
            return [double.NaN];
        int tokens = matrix.Length / width;
        int shorter = Math.Min(tokens, width);
        double[] gram = GramMatrix.Of(tokens < width ? Transpose(matrix, tokens, width) : matrix, shorter);
        // A Gram matrix has no negative eigenvalues, so they are its singular values, which MathNet finds without the vectors.
        Vector<double> eigenvalues = Matrix<double>.Build.Dense(shorter, shorter, gram).Svd(computeVectors: false).S;
        return [.. eigenvalues.Select(Math.Sqrt)];
    }

    private static double[] Transpose(double[] matrix, int rows, int columns)
    {
        var transposed = new double[matrix.Length];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
                transposed[c * rows + r] = matrix[r * columns + c];
        }
        return transposed;
    }
}

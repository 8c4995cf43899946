using System.Buffers;

namespace OtoMask.Masking;

/// <summary>Splits the patches of a clip in two groups.</summary>
/// <param name="points">[L, width], the patch features, each of length 1 (or 0).</param>
/// <param name="width">D, values of one feature.</param>
/// <param name="side">[L], receives one number a patch: not negative for one group, negative for the other.</param>
internal delegate void PatchCut(ReadOnlySpan<double> points, int width, Span<double> side);

/// <summary>The two ways of splitting that object-centric masking knows.</summary>
internal static class PatchCuts
{
    /// <summary>By the projection on the first principal axis, against its mean (exact: no iteration on the data).</summary>
    /// <remarks>docs/method.md section 2, <c>sgim</c>.</remarks>
    public static void PrincipalAxis(ReadOnlySpan<double> points, int width, Span<double> side)
    {
        int count = side.Length, size = Math.Min(count, width);
        double[] centred = ArrayPool<double>.Shared.Rent(points.Length), products = ArrayPool<double>.Shared.Rent(size * size);
        Span<double> matrix = products.AsSpan(0, size * size);
        if (count <= width)
        {
            // The projections are, up to a factor, the first eigenvector of the patches' Gram matrix.
            Centre(points, width, centred, patchStride: width, valueStride: 1);
            DenseVector.Gram(centred.AsSpan(0, points.Length), width, matrix);
            SymmetricEigenvector.At(matrix, size - 1, side);
        }
        else
        {
            Centre(points, width, centred, patchStride: 1, valueStride: count); // transposed: [width, L]
            DenseVector.Gram(centred.AsSpan(0, points.Length), count, matrix);
            double[] axis = new double[size];
            SymmetricEigenvector.At(matrix, size - 1, axis);
            side.Clear();
            for (int d = 0; d < width; d++)
                DenseVector.AddScaled(side, axis[d], centred.AsSpan(d * count, count));
        }
        ArrayPool<double>.Shared.Return(products);
        ArrayPool<double>.Shared.Return(centred);
    }

    /// <summary>
    /// By the sign of the eigenvector at index 1 (ascending) of the unnormalised graph Laplacian diag(row sums of M) - M with
    /// M = X X^T + 1e-12.
    /// </summary>
    /// <remarks>docs/method.md section 2, <c>sgim-spectral</c>.</remarks>
    public static void Spectral(ReadOnlySpan<double> points, int width, Span<double> side)
    {
        const double LeastAffinity = 1e-12;
        int count = side.Length;
        double[] affinities = ArrayPool<double>.Shared.Rent(count * count);
        Span<double> laplacian = affinities.AsSpan(0, count * count);
        DenseVector.Gram(points, width, laplacian);

        Span<double> rowSums = count <= Scratch.OnStack ? stackalloc double[count] : new double[count];
        rowSums.Clear();
        for (int i = 0; i < count; i++)
            for (int j = 0; j <= i; j++)
            {
                double affinity = laplacian[i * count + j] + LeastAffinity;
                laplacian[i * count + j] = -affinity;
                rowSums[i] += affinity;
                rowSums[j] += i == j ? 0 : affinity;
            }
        for (int i = 0; i < count; i++)
            laplacian[i * count + i] += rowSums[i];

        SymmetricEigenvector.At(laplacian, Math.Min(1, count - 1), side);
        ArrayPool<double>.Shared.Return(affinities);
    }

    private static void Centre(ReadOnlySpan<double> points, int width, Span<double> centred, int patchStride, int valueStride)
    {
        int count = points.Length / width;
        double[] mean = new double[width];
        for (int id = 0; id < count; id++)
            DenseVector.AddScaled(mean, 1.0 / count, points.Slice(id * width, width));
        for (int id = 0; id < count; id++)
            for (int d = 0; d < width; d++)
                centred[id * patchStride + d * valueStride] = points[id * width + d] - mean[d];
    }
}

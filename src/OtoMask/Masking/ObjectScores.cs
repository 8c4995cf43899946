using System.Buffers;

namespace OtoMask.Masking;

/// <summary>How strongly each patch belongs to one of the two parts that the encoder sees in a clip.</summary>
/// <remarks>Feng and Zhang, "Self-Guided Masked Autoencoder", NeurIPS 2024; docs/method.md section 2.</remarks>
internal static class ObjectScores
{
    /// <summary>The larger of each patch's cosines to the two group centres.</summary>
    /// <param name="features">[L, width], patch features.</param>
    /// <param name="width">D, values of one feature.</param>
    /// <param name="cut">How the patches are split in two groups.</param>
    /// <param name="scores">[L], receives the scores, in [-1, 1].</param>
    public static void Compute(ReadOnlySpan<float> features, int width, PatchCut cut, Span<float> scores)
    {
        double[] points = Normalised(features, width);
        double[] centres = CentresOf(points.AsSpan(0, features.Length), width, cut);
        for (int id = 0; id < scores.Length; id++)
        {
            ReadOnlySpan<double> point = points.AsSpan(id * width, width);
            scores[id] = (float)Math.Max(DenseVector.Dot(point, centres.AsSpan(0, width)), DenseVector.Dot(point, centres.AsSpan(width)));
        }
        ArrayPool<double>.Shared.Return(points);
    }

    /// <summary>[2, width]: the means of the two groups of L2-normalised features, L2-normalised; zeros for an empty group.</summary>
    /// <param name="features">[L, width], patch features.</param>
    /// <param name="width">D, values of one feature.</param>
    /// <param name="cut">How the patches are split in two groups.</param>
    public static double[] Centres(ReadOnlySpan<float> features, int width, PatchCut cut)
    {
        double[] points = Normalised(features, width);
        double[] centres = CentresOf(points.AsSpan(0, features.Length), width, cut);
        ArrayPool<double>.Shared.Return(points);
        return centres;
    }

    private static double[] CentresOf(ReadOnlySpan<double> points, int width, PatchCut cut)
    {
        int count = points.Length / width;
        Span<double> side = count <= Scratch.OnStack ? stackalloc double[count] : new double[count];
        cut(points, width, side);
        var centres = new double[2 * width];
        for (int id = 0; id < count; id++)
            DenseVector.AddScaled(centres.AsSpan(side[id] >= 0 ? 0 : width, width), 1, points.Slice(id * width, width));
        DenseVector.Normalise(centres.AsSpan(0, width));
        DenseVector.Normalise(centres.AsSpan(width));
        return centres;
    }

    /// <summary>The features at length 1, in an array of the pool.</summary>
    private static double[] Normalised(ReadOnlySpan<float> features, int width)
    {
        double[] points = ArrayPool<double>.Shared.Rent(features.Length);
        for (int i = 0; i < features.Length; i++)
            points[i] = features[i];
        for (int start = 0; start < features.Length; start += width)
            DenseVector.Normalise(points.AsSpan(start, width));
        return points;
    }
}

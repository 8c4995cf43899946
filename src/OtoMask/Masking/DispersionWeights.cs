using System.Numerics;
using System.Runtime.InteropServices;

namespace OtoMask.Masking;

/// <summary>Measures how much the values of each patch of a clip spread.</summary>
/// <param name="clip">The clip's patches.</param>
/// <param name="weights">[L], receives one positive weight a patch.</param>
public delegate void DispersionMeasure(in PatchView clip, Span<float> weights);

/// <summary>How much the values of each patch spread around the patch's mean: what dispersion-weighted masking goes by.</summary>
/// <remarks>Niizumi et al., "Rethinking Masking Strategies for Masked Prediction-based Audio Self-supervised Learning",
/// IJCNN 2026; METHOD section 2.</remarks>
public static class DispersionWeights
{
    /// <summary>Added to each weight, so that a constant (silent) patch can still be drawn.</summary>
    public const float Floor = 1e-12f;

    /// <summary>Mean absolute deviation of each patch around its mean, plus <see cref="Floor"/>.</summary>
    /// <param name="clip">The clip's patches.</param>
    /// <param name="weights">[L], receives the weights, in the units of the input.</param>
    public static void MeanAbsoluteDeviation(in PatchView clip, Span<float> weights)
    {
        for (int id = 0; id < weights.Length; id++)
        {
            ReadOnlySpan<float> patch = clip[id];
            weights[id] = SumOfDeviations(patch, Sum(patch) / patch.Length) / patch.Length + Floor;
        }
    }

    /// <summary>Unbiased variance of each patch (0 for patches of one value), plus <see cref="Floor"/>.</summary>
    /// <param name="clip">The clip's patches.</param>
    /// <param name="weights">[L], receives the weights, in the units of the input squared.</param>
    public static void Variance(in PatchView clip, Span<float> weights)
    {
        for (int id = 0; id < weights.Length; id++)
        {
            ReadOnlySpan<float> patch = clip[id];
            weights[id] = SumOfSquaredDeviations(patch, Sum(patch) / patch.Length) / Math.Max(patch.Length - 1, 1) + Floor;
        }
    }

    // The three sums below keep two accumulators, so that consecutive additions do not wait for each other.

    private static float Sum(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var (even, odd) = (Vector<float>.Zero, Vector<float>.Zero);
        int i = 0;
        for (; i < vectors.Length - 1; i += 2)
        {
            even += vectors[i];
            odd += vectors[i + 1];
        }
        if (i < vectors.Length)
            even += vectors[i];
        float sum = Vector.Sum(even + odd);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            sum += value;
        return sum;
    }

    private static float SumOfDeviations(ReadOnlySpan<float> values, float mean)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var (even, odd, centre) = (Vector<float>.Zero, Vector<float>.Zero, new Vector<float>(mean));
        int i = 0;
        for (; i < vectors.Length - 1; i += 2)
        {
            even += Vector.Abs(vectors[i] - centre);
            odd += Vector.Abs(vectors[i + 1] - centre);
        }
        if (i < vectors.Length)
            even += Vector.Abs(vectors[i] - centre);
        float sum = Vector.Sum(even + odd);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            sum += Math.Abs(value - mean);
        return sum;
    }

    private static float SumOfSquaredDeviations(ReadOnlySpan<float> values, float mean)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var (even, odd, centre) = (Vector<float>.Zero, Vector<float>.Zero, new Vector<float>(mean));
        int i = 0;
        for (; i < vectors.Length - 1; i += 2)
        {
            Vector<float> first = vectors[i] - centre, second = vectors[i + 1] - centre;
            even += first * first;
            odd += second * second;
        }
        if (i < vectors.Length)
            even += (vectors[i] - centre) * (vectors[i] - centre);
        float sum = Vector.Sum(even + odd);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            sum += (value - mean) * (value - mean);
        return sum;
    }
}

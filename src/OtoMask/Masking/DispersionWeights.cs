using System.Numerics;
using System.Runtime.InteropServices;

namespace OtoMask.Masking;

/// <summary>Measures how much the values of each patch of a clip spread.</summary>
/// <param name="clip">The clip's patches.</param>
/// <param name="weights">[L], receives one positive weight a patch.</param>
internal delegate void DispersionMeasure(in PatchView clip, Span<float> weights);

/// <summary>How much the values of each patch spread around the patch's mean: what dispersion-weighted masking goes by.</summary>
/// <remarks>Niizumi et al., "Rethinking Masking Strategies for Masked Prediction-based Audio Self-supervised Learning",
/// IJCNN 2026; docs/method.md section 2.</remarks>
internal static class DispersionWeights
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
            float mean = Sum<Itself>(patch, 0) / patch.Length;
            weights[id] = Sum<Magnitude>(patch, mean) / patch.Length + Floor;
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
            float mean = Sum<Itself>(patch, 0) / patch.Length;
            weights[id] = Sum<Square>(patch, mean) / Math.Max(patch.Length - 1, 1) + Floor;
        }
    }

    /// <summary>The sum of f(value - centre). Four accumulators, so that additions do not wait for each other.</summary>
    private static float Sum<TFunction>(ReadOnlySpan<float> values, float centre) where TFunction : struct, IFunction
    {
        ref float start = ref MemoryMarshal.GetReference(values);
        int lanes = Vector<float>.Count, i = 0;
        Vector<float> centres = new(centre), sum0 = Vector<float>.Zero, sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (; i <= values.Length - 4 * lanes; i += 4 * lanes)
        {
            sum0 += TFunction.Of(Vector.LoadUnsafe(ref start, (nuint)i) - centres);
            sum1 += TFunction.Of(Vector.LoadUnsafe(ref start, (nuint)(i + lanes)) - centres);
            sum2 += TFunction.Of(Vector.LoadUnsafe(ref start, (nuint)(i + 2 * lanes)) - centres);
            sum3 += TFunction.Of(Vector.LoadUnsafe(ref start, (nuint)(i + 3 * lanes)) - centres);
        }
        for (; i <= values.Length - lanes; i += lanes)
            sum0 += TFunction.Of(Vector.LoadUnsafe(ref start, (nuint)i) - centres);
        float sum = Vector.Sum(sum0 + sum1 + (sum2 + sum3));
        for (; i < values.Length; i++)
            sum += TFunction.Of(values[i] - centre);
        return sum;
    }

    private interface IFunction
    {
        static abstract Vector<float> Of(Vector<float> x);
        static abstract float Of(float x);
    }

    private readonly struct Itself : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => x;
        public static float Of(float x) => x;
    }

    private readonly struct Magnitude : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => Vector.Abs(x);
        public static float Of(float x) => Math.Abs(x);
    }

    private readonly struct Square : IFunction
    {
        public static Vector<float> Of(Vector<float> x) => x * x;
        public static float Of(float x) => x * x;
    }
}

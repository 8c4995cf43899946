using System.Numerics;
using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>Tells sound and log-mels from numbers that only a mistake or damage can give: NaN, infinity, and magnitudes beyond any scale in use.</summary>
internal static class Believable
{
    /// <summary>Full scale of samples is 1, or 2^31 where a program forgot to divide. The power of much more overflows.</summary>
    public const float LargestSample = 1e12f;

    /// <summary>Natural logarithms of power lie within -20..60, decibels within -200..200.</summary>
    public const float LargestLogMel = 1000;

    /// <summary>Whether all values are numbers.</summary>
    public static bool AreFinite(ReadOnlySpan<float> values) => AreWithin(values, float.MaxValue);

    /// <summary>What is wrong with samples, as the end of the sentence "it ..."; null if nothing is.</summary>
    public static string? ProblemOfSamples(ReadOnlySpan<float> samples) => Problem(samples, LargestSample, "samples", "full scale is 1");

    /// <summary>The same of a log-mel.</summary>
    public static string? ProblemOfLogMel(ReadOnlySpan<float> values) => Problem(values, LargestLogMel, "values", "a log-mel lies within some hundreds");

    private static string? Problem(ReadOnlySpan<float> values, float largest, string what, string instead)
    {
        if (AreWithin(values, largest))
            return null;
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
                return $"contains NaN or infinite {what}";
        }
        return $"contains {what} of up to {PeakOf(values):0.##e+0}, where {instead}";
    }

    /// <summary>Whether all values are numbers of at most this magnitude: comparing with NaN is never true.</summary>
    private static bool AreWithin(ReadOnlySpan<float> values, float largest)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var limit = new Vector<float>(largest);
        var within = Vector<int>.AllBitsSet;
        foreach (Vector<float> vector in vectors)
            within &= Vector.LessThanOrEqual(Vector.Abs(vector), limit);
        bool all = Vector.EqualsAll(within, Vector<int>.AllBitsSet);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            all &= MathF.Abs(value) <= largest;
        return all;
    }

    private static float PeakOf(ReadOnlySpan<float> values)
    {
        float peak = 0;
        foreach (float value in values)
            peak = MathF.Max(peak, MathF.Abs(value));
        return peak;
    }
}

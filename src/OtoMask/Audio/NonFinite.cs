using System.Numerics;
using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>Looks for NaN and infinity.</summary>
internal static class NonFinite
{
    /// <summary>Whether some value is NaN or infinite.</summary>
    public static bool IsIn(ReadOnlySpan<float> values)
    {
        // Zero times a number is zero, but NaN times NaN or infinity: one sum tells of all.
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> zeros = Vector<float>.Zero;
        foreach (Vector<float> vector in vectors)
            zeros += vector * Vector<float>.Zero;
        float sum = Vector.Sum(zeros);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            sum += value * 0;
        return sum != 0;
    }
}

namespace OtoMask.Interop;

/// <summary>A NumPy array as floats.</summary>
/// <param name="Shape">Length of every axis, outermost first; empty for a scalar.</param>
/// <param name="Values">The values in C order (last axis fastest).</param>
public sealed record NpyArray(int[] Shape, float[] Values);

/// <summary>A NumPy array of whole numbers.</summary>
/// <param name="Shape">Length of every axis, outermost first; empty for a scalar.</param>
/// <param name="Values">The values in C order (last axis fastest).</param>
internal sealed record NpyIntegerArray(int[] Shape, long[] Values);

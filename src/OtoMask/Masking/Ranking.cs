using System.Numerics;
using System.Runtime.InteropServices;

namespace OtoMask.Masking;

/// <summary>Finds the patches of largest key without sorting.</summary>
internal static class Ranking
{
    /// <summary>Arranges the ids so that those of the largest keys come first; both parts are ascending.</summary>
    /// <param name="keys">[L], one key a patch. Of equal keys the lower id comes first; a NaN is a key like any other.</param>
    /// <param name="count">How many ids form the first part, in 0 .. L.</param>
    /// <param name="ids">[L], receives the ids.</param>
    public static void LargestFirst(ReadOnlySpan<float> keys, int count, Span<int> ids)
    {
        // Padded with zeros to whole vectors; no threshold that is tried counts a zero.
        int padded = (keys.Length + Vector<uint>.Count - 1) / Vector<uint>.Count * Vector<uint>.Count;
        Span<uint> ordered = padded <= Scratch.OnStack ? stackalloc uint[padded] : new uint[padded];
        ordered[keys.Length..].Clear();
        for (int id = 0; id < keys.Length; id++)
            ordered[id] = OrderedBits(keys[id]);

        uint threshold = ThresholdOfLargest(ordered, count);
        int larger = 0;
        foreach (uint key in ordered[..keys.Length])
            larger += key > threshold ? 1 : 0;

        int equalsLeft = count - larger, first = 0, rest = count;
        for (int id = 0; id < keys.Length; id++)
        {
            bool isFirst = ordered[id] > threshold || (ordered[id] == threshold && equalsLeft-- > 0);
            ids[isFirst ? first++ : rest++] = id;
        }
    }

    /// <summary>The key of rank <paramref name="count"/>, found bit by bit: 32 counting passes, and no branch to mispredict.</summary>
    private static uint ThresholdOfLargest(ReadOnlySpan<uint> keys, int count)
    {
        if (count == 0)
            return uint.MaxValue;
        uint threshold = 0;
        for (uint bit = 1u << 31; bit != 0; bit >>= 1)
            if (CountAtLeast(keys, threshold | bit) >= count)
                threshold |= bit;
        return threshold;
    }

    private static uint CountAtLeast(ReadOnlySpan<uint> keys, uint threshold)
    {
        ref uint start = ref MemoryMarshal.GetReference(keys);
        Vector<uint> limits = new(threshold), counts = Vector<uint>.Zero;
        for (int i = 0; i < keys.Length; i += Vector<uint>.Count)
            counts -= Vector.GreaterThanOrEqual(Vector.LoadUnsafe(ref start, (nuint)i), limits); // a lane that holds is -1
        return Vector.Sum(counts);
    }

    /// <summary>Maps a float to an integer of the same order.</summary>
    private static uint OrderedBits(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return (uint)(bits ^ ((bits >> 31) | int.MinValue));
    }
}

namespace OtoMask.Masking;

/// <summary>A partition of the patch ids 0 .. L-1 in visible and masked ones, each list ascending.</summary>
/// <param name="Visible">Ids of the patches the encoder sees.</param>
/// <param name="Masked">Ids of the patches to predict.</param>
public sealed record PatchMask(int[] Visible, int[] Masked)
{
    /// <summary>Puts two lists that together hold every id 0 .. L-1 once in ascending order.</summary>
    public static PatchMask Of(ReadOnlySpan<int> visible, ReadOnlySpan<int> masked)
    {
        int count = visible.Length + masked.Length;
        Span<bool> isMasked = count <= Scratch.OnStack ? stackalloc bool[count] : new bool[count];
        isMasked.Clear();
        foreach (int id in masked)
            isMasked[id] = true;
        return Of(isMasked, masked.Length);
    }

    /// <summary>Lists the ids of the masked and of the other patches.</summary>
    /// <param name="isMasked">[L], by patch id.</param>
    /// <param name="maskedCount">How many are true.</param>
    public static PatchMask Of(ReadOnlySpan<bool> isMasked, int maskedCount)
    {
        var (visible, masked) = (new int[isMasked.Length - maskedCount], new int[maskedCount]);
        var (v, m) = (0, 0);
        for (int id = 0; id < isMasked.Length; id++)
            if (isMasked[id])
                masked[m++] = id;
            else
                visible[v++] = id;
        return new PatchMask(visible, masked);
    }
}

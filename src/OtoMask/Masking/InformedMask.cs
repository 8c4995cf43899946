using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>The last steps that all strategies share which look at a clip: rank, mask, trade by the hint ratio.</summary>
internal static class InformedMask
{
    /// <summary>Draws several masks of a clip whose keys no draw changes: those of smallest key, or <c>random</c> where the hint ratio is 1.</summary>
    /// <param name="grid">The patch grid.</param>
    /// <param name="keys">[L], as for <see cref="HideSmallest"/>; looked at only where some hint ratio is below 1.</param>
    /// <param name="contexts">One for each mask.</param>
    public static PatchMask[] Draw(PatchGrid grid, ReadOnlySpan<float> keys, MaskingContext[] contexts)
    {
        var masks = new PatchMask[contexts.Length];
        for (int i = 0; i < masks.Length; i++)
        {
            RandomStream random = contexts[i].Clip;
            masks[i] = contexts[i].HintRatio >= HintRatio.Random
                ? RandomMasking.Draw(grid, contexts[i])
                : HideSmallest(keys, grid.VisibleCount(contexts[i].MaskRatio), contexts[i].HintRatio, ref random);
        }
        return masks;
    }

    /// <summary>Masks the L - Lv patches of smallest key, then lets the hint ratio trade some for random ones.</summary>
    /// <param name="keys">[L], one key a patch; of equal keys the higher id is masked first.</param>
    /// <param name="visibleCount">Lv.</param>
    /// <param name="hintRatio">h, in [0, 1).</param>
    /// <param name="random">The clip's stream.</param>
    public static PatchMask HideSmallest(ReadOnlySpan<float> keys, int visibleCount, double hintRatio, ref RandomStream random)
    {
        Span<int> ids = keys.Length <= Scratch.OnStack ? stackalloc int[keys.Length] : new int[keys.Length];
        Ranking.LargestFirst(keys, visibleCount, ids);
        HintRatio.Trade(ids, visibleCount, hintRatio, ref random);
        return PatchMask.Of(ids[..visibleCount], ids[visibleCount..]);
    }
}

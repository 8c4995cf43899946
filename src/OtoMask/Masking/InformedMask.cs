using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>The last steps that all strategies share which look at a clip: rank, mask, trade by the hint ratio.</summary>
internal static class InformedMask
{
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

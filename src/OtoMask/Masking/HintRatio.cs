using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>Softens an informed mask: gives part of it away as a hint and hides random patches in exchange.</summary>
/// <remarks>Feng and Zhang, "Self-Guided Masked Autoencoder", NeurIPS 2024; docs/method.md section 2.</remarks>
internal static class HintRatio
{
    /// <summary>From here on nothing of the informed choice is kept: the mask is plain <c>random</c>.</summary>
    public const double Random = 1;

    /// <summary>What <see cref="Trade"/> does to any ids: which place's id comes to each place.</summary>
    /// <param name="context">The mask's hint ratio, less than 1, and its stream.</param>
    /// <param name="visibleCount">Lv.</param>
    /// <param name="places">[L], receives the places.</param>
    public static void TradedPlaces(in MaskingContext context, int visibleCount, Span<long> places)
    {
        int[] ids = [.. Enumerable.Range(0, places.Length)];
        RandomStream random = context.Clip;
        Trade(ids, visibleCount, context.HintRatio, ref random);
        for (int place = 0; place < places.Length; place++)
            places[place] = ids[place];
    }

    /// <summary>
    /// Makes floor(m * h) of the m masked patches, chosen uniformly, visible; then masks as many, chosen uniformly from the
    /// whole visible set as it then stands.
    /// </summary>
    /// <param name="ids">[L], the visible ids and then the masked ones; rearranged.</param>
    /// <param name="visibleCount">Lv, the same before and after.</param>
    /// <param name="hintRatio">h, in [0, 1).</param>
    /// <param name="random">The clip's stream.</param>
    public static void Trade(Span<int> ids, int visibleCount, double hintRatio, ref RandomStream random)
    {
        int traded = (int)((ids.Length - visibleCount) * hintRatio);
        if (traded == 0)
            return;
        random.ShuffleFront(ids[visibleCount..], traded);
        // Masking a uniform choice of `traded` of the visible patches = keeping a uniform choice of Lv of them.
        random.ShuffleFront(ids[..(visibleCount + traded)], visibleCount);
    }
}

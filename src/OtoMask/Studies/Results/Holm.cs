namespace OtoMask.Studies.Results;

/// <summary>Significance when several comparisons were made.</summary>
/// <remarks>Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979: the chance that any true
/// null hypothesis is rejected stays below the level, whatever the comparisons have in common.</remarks>
internal static class Holm
{
    /// <summary>Adjusted p values, each to be held against the level directly.</summary>
    /// <param name="pValues">0 .. 1, in any order.</param>
    /// <returns>In the same order; never below the given ones, at most 1.</returns>
    public static double[] Adjust(IReadOnlyList<double> pValues)
    {
        var adjusted = new double[pValues.Count];
        double largest = 0;
        foreach ((int rank, int i) in Enumerable.Range(0, pValues.Count).OrderBy(i => pValues[i]).Index())
            adjusted[i] = largest = Math.Max(largest, Math.Min(1, (pValues.Count - rank) * pValues[i]));
        return adjusted;
    }
}

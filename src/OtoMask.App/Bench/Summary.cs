namespace OtoMask.App.Bench;

/// <summary>One number for many measurements.</summary>
internal static class Summary
{
    /// <summary>The middle value; of an even number of values, the mean of the middle two.</summary>
    /// <exception cref="InvalidOperationException">There are no values.</exception>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0)
            throw new InvalidOperationException("nothing was measured");
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

namespace OtoMask.Data;

/// <summary>Count, mean and sum of squared deviations, joined as in Chan, Golub and LeVeque, 1979.</summary>
internal readonly record struct Moments(long Count, double Mean, double SquaredDeviations)
{
    public static Moments Of(ReadOnlySpan<float> values)
    {
        double sum = 0;
        foreach (float value in values)
            sum += value;
        double mean = sum / values.Length, squares = 0;
        foreach (float value in values)
            squares += (value - mean) * (value - mean);
        return new Moments(values.Length, mean, squares);
    }

    /// <summary>Standard deviation; of at least one value.</summary>
    public double Std => Math.Sqrt(SquaredDeviations / Count);

    /// <summary>Root mean square distance of the values from a point; of at least one value.</summary>
    public double DistanceFrom(double point) => Math.Sqrt(SquaredDeviations / Count + (Mean - point) * (Mean - point));

    public Moments Join(Moments other)
    {
        long count = Count + other.Count;
        if (count == 0)
            return this;
        double delta = other.Mean - Mean;
        return new Moments(count, Mean + delta * other.Count / count,
            SquaredDeviations + other.SquaredDeviations + delta * delta * Count * other.Count / count);
    }
}

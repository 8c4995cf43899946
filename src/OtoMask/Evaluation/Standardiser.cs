namespace OtoMask.Evaluation;

/// <summary>Brings every dimension to mean 0 and deviation 1 (population deviation; a constant dimension is only shifted).</summary>
internal sealed class Standardiser
{
    private readonly double[] mean, scale;

    private Standardiser(double[] mean, double[] scale) => (this.mean, this.scale) = (mean, scale);

    /// <summary>Measures <paramref name="rows"/> [n, width].</summary>
    public static Standardiser Fit(ReadOnlySpan<float> rows, int width)
    {
        int count = rows.Length / width;
        var mean = new double[width];
        var scale = new double[width];
        for (int i = 0; i < rows.Length; i++)
            mean[i % width] += rows[i];
        for (int d = 0; d < width; d++)
            mean[d] /= count;
        for (int i = 0; i < rows.Length; i++)
            scale[i % width] += Square(rows[i] - mean[i % width]);
        for (int d = 0; d < width; d++)
            scale[d] = scale[d] == 0 ? 1 : 1 / Math.Sqrt(scale[d] / count);
        return new Standardiser(mean, scale);
    }

    /// <summary>Standardises [n, width] and appends <paramref name="constants"/> ones to each row: [n, width + constants].</summary>
    public float[] Apply(ReadOnlySpan<float> rows, int constants = 0)
    {
        int width = mean.Length, count = rows.Length / width;
        var standardised = new float[count * (width + constants)];
        for (int row = 0; row < count; row++)
        {
            Span<float> target = standardised.AsSpan(row * (width + constants), width + constants);
            ReadOnlySpan<float> source = rows.Slice(row * width, width);
            for (int d = 0; d < width; d++)
                target[d] = (float)((source[d] - mean[d]) * scale[d]);
            target[width..].Fill(1);
        }
        return standardised;
    }

    private static double Square(double x) => x * x;
}

namespace OtoMask.Masking;

/// <summary>What makes coloured noise of white noise: a Gaussian blur, the difference of two, or what these leave, applied several times.</summary>
/// <remarks>Hinojosa et al., "ColorMAE", arXiv 2407.13036. Their deviations are not published; these were fitted to the periodograms of their overview figure, in patches
/// (docs/method.md section 2).</remarks>
internal sealed class NoiseFilter
{
    /// <summary>Cells that the filter reaches in every direction; what lies further out holds less than a millionth of its energy.</summary>
    public const int Reach = 16;

    /// <summary>2 * <see cref="Reach"/> + 1.</summary>
    public const int Side = 2 * Reach + 1;

    private readonly Lazy<double[]> weights;

    private NoiseFilter(int passes, double widest, Func<double[], int, double[]> pass) => weights = new(() => Weights(passes, widest, pass));

    /// <summary>Slow changes: large patches of both kinds.</summary>
    public static NoiseFilter Red { get; } = Low(3.8, 1);

    /// <summary>Changes of one size.</summary>
    public static NoiseFilter Green { get; } = Band(0.6, 2, 7);

    /// <summary>Fast changes: neighbours differ.</summary>
    public static NoiseFilter Blue { get; } = High(0.75, 8);

    /// <summary>Slow and fast changes, and none between.</summary>
    public static NoiseFilter Purple { get; } = Stop(0.62, 1.65, 10);

    /// <summary>The filter's values [<see cref="Side"/>, <see cref="Side"/>], row by row; symmetric.</summary>
    public ReadOnlySpan<double> Values => weights.Value;

    /// <summary>Keeps what a blur of a deviation keeps.</summary>
    public static NoiseFilter Low(double deviation, int passes) => new(passes, deviation, (field, side) => Blurred(field, side, deviation));

    /// <summary>Keeps what a blur takes away.</summary>
    public static NoiseFilter High(double deviation, int passes) => new(passes, deviation, (field, side) => Difference(field, Blurred(field, side, deviation)));

    /// <summary>Keeps what a narrow blur keeps and a wide one does not.</summary>
    public static NoiseFilter Band(double narrow, double wide, int passes) =>
        new(passes, wide, (field, side) => Difference(Blurred(field, side, narrow), Blurred(field, side, wide)));

    /// <summary>Keeps what <see cref="Band"/> does not.</summary>
    public static NoiseFilter Stop(double narrow, double wide, int passes) =>
        new(passes, wide, (field, side) => Difference(field, Difference(Blurred(field, side, narrow), Blurred(field, side, wide))));

    /// <summary>Leaves white noise as it is.</summary>
    public static NoiseFilter White { get; } = new(0, 0, (field, _) => field);

    private static double[] Weights(int passes, double widest, Func<double[], int, double[]> pass)
    {
        int reach = Math.Max(Reach, passes * RadiusOf(widest)), side = 2 * reach + 1, first = reach - Reach;
        double[] field = new double[side * side];
        field[reach * side + reach] = 1;
        for (int i = 0; i < passes; i++)
            field = pass(field, side);
        return [.. Enumerable.Range(first, Side).SelectMany(row => field.AsSpan(row * side + first, Side).ToArray())];
    }

    private static int RadiusOf(double deviation) => (int)Math.Ceiling(4 * deviation);

    private static double[] Blurred(double[] field, int side, double deviation)
    {
        int radius = RadiusOf(deviation);
        double[] bell = [.. Enumerable.Range(-radius, 2 * radius + 1).Select(x => Math.Exp(-x * x / (2 * deviation * deviation)))];
        double sum = bell.Sum();
        bell = [.. bell.Select(value => value / sum)];
        return Along(Along(field, side, bell, step: 1), side, bell, step: side);
    }

    /// <summary>Convolves every line of a field, which is empty beyond its edges.</summary>
    private static double[] Along(double[] field, int side, double[] bell, int step)
    {
        int radius = bell.Length / 2;
        var result = new double[field.Length];
        for (int cell = 0; cell < field.Length; cell++)
        {
            int place = cell / step % side;
            for (int shift = -Math.Min(radius, place); shift <= Math.Min(radius, side - 1 - place); shift++)
                result[cell] += bell[radius + shift] * field[cell + shift * step];
        }
        return result;
    }

    private static double[] Difference(double[] one, double[] other) => [.. one.Zip(other, (x, y) => x - y)];
}

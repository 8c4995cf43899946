namespace OtoMask.FineTuning;

/// <summary>Bicubic interpolation of an image with its corners aligned.</summary>
/// <remarks>Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = -0.75 and edges repeated: what PyTorch's
/// <c>interpolate(mode="bicubic", align_corners=True)</c> computes.</remarks>
internal static class BicubicResize
{
    private const double A = -0.75;
    private const int Reach = 4;

    /// <summary>[rows, columns] -> [newRows, newColumns].</summary>
    public static float[] Apply(ReadOnlySpan<float> image, int rows, int columns, int newRows, int newColumns)
    {
        Tap[] across = Taps(columns, newColumns), down = Taps(rows, newRows);
        var wide = new float[rows * newColumns];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> source = image.Slice(row * columns, columns);
            Span<float> target = wide.AsSpan(row * newColumns, newColumns);
            for (int column = 0; column < newColumns; column++)
            {
                ref readonly Tap tap = ref across[column];
                target[column] = tap.W0 * source[tap.I0] + tap.W1 * source[tap.I1] + tap.W2 * source[tap.I2] + tap.W3 * source[tap.I3];
            }
        }

        var resized = new float[newRows * newColumns];
        for (int row = 0; row < newRows; row++)
        {
            ref readonly Tap tap = ref down[row];
            ReadOnlySpan<float> first = Row(wide, tap.I0), second = Row(wide, tap.I1), third = Row(wide, tap.I2), fourth = Row(wide, tap.I3);
            Span<float> target = resized.AsSpan(row * newColumns, newColumns);
            for (int column = 0; column < target.Length; column++)
                target[column] = tap.W0 * first[column] + tap.W1 * second[column] + tap.W2 * third[column] + tap.W3 * fourth[column];
        }
        return resized;

        ReadOnlySpan<float> Row(float[] from, int index) => from.AsSpan(index * newColumns, newColumns);
    }

    private static Tap[] Taps(int length, int newLength)
    {
        double scale = newLength > 1 ? (length - 1) / (double)(newLength - 1) : 0;
        var taps = new Tap[newLength];
        Span<float> weights = stackalloc float[Reach];
        for (int i = 0; i < newLength; i++)
        {
            double place = i * scale;
            int at = (int)place;
            for (int k = 0; k < Reach; k++)
                weights[k] = (float)Kernel(place - (at - 1 + k));
            int Clamped(int index) => Math.Clamp(index, 0, length - 1);
            taps[i] = new Tap(Clamped(at - 1), Clamped(at), Clamped(at + 1), Clamped(at + 2), weights[0], weights[1], weights[2], weights[3]);
        }
        return taps;
    }

    private static double Kernel(double x)
    {
        x = Math.Abs(x);
        return x <= 1 ? ((A + 2) * x - (A + 3)) * x * x + 1
            : x < 2 ? ((A * x - 5 * A) * x + 8 * A) * x - 4 * A
            : 0;
    }

    /// <summary>The four neighbours of a place and their weights.</summary>
    private readonly record struct Tap(int I0, int I1, int I2, int I3, float W0, float W1, float W2, float W3);
}

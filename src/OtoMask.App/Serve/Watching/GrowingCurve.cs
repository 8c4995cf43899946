namespace OtoMask.App.Serve.Watching;

/// <summary>A curve that grows for as long as a training runs and yet stays small: when it has <see cref="MostPoints"/> points, every two neighbours become one, their mean.</summary>
internal sealed class GrowingCurve
{
    /// <summary>More points than a screen has pixels to show.</summary>
    public const int MostPoints = 2048;

    private readonly List<(double X, double Y)> points = [];
    private int stride = 1, gathered, finite;
    private double x, y;

    /// <summary>Counts how often points became fewer: who has seen some then has to see all of them anew.</summary>
    public int Generation { get; private set; }

    /// <summary>The points, x ascending; a y that is not finite is a gap.</summary>
    public IReadOnlyList<(double X, double Y)> Points => points;

    /// <summary>Adds a value at the end.</summary>
    public void Add(double atX, double value)
    {
        gathered++;
        x += atX;
        if (double.IsFinite(value))
        {
            finite++;
            y += value;
        }
        if (gathered < stride)
            return;
        points.Add((x / gathered, finite == 0 ? double.NaN : y / finite));
        (gathered, finite, x, y) = (0, 0, 0, 0);
        if (points.Count == MostPoints)
            Halve();
    }

    private void Halve()
    {
        for (int i = 0; i < MostPoints / 2; i++)
        {
            ((double x1, double y1), (double x2, double y2)) = (points[2 * i], points[2 * i + 1]);
            points[i] = ((x1 + x2) / 2, !double.IsFinite(y1) ? y2 : !double.IsFinite(y2) ? y1 : (y1 + y2) / 2);
        }
        points.RemoveRange(MostPoints / 2, MostPoints / 2);
        stride *= 2;
        Generation++;
    }
}

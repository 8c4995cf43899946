using OtoMask.Evaluation;

namespace OtoMask.App.Reports;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">x ascending; a y that is not finite leaves a gap.</param>
internal sealed record Curve(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>A value with its interval, both in the units of the chart.</summary>
/// <param name="Value">The point.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
internal readonly record struct Estimate(double Value, double Low, double High)
{
    public Interval ToInterval() => new(Value, Low, High);
}

/// <summary>The charts of the reports, drawn by Apache ECharts: <c>Assets/charts.js</c> turns the data into its options.</summary>
internal static class Charts
{
    // More points than pixels cost megabytes and show nothing more.
    private const int MostPoints = 1200;

    /// <summary>Curves over a common x axis, such as loss over steps.</summary>
    /// <param name="page">The page the chart goes into.</param>
    /// <param name="title">Title above the chart.</param>
    /// <param name="explanation">A line under the title: what is good, what is not.</param>
    /// <param name="xLabel">Name of the x axis.</param>
    /// <param name="curves">At least one.</param>
    /// <param name="smooth">Draws each curve faint and its running mean (over a 30th of the points) on top.</param>
    /// <param name="fromZero">Starts the y axis at zero.</param>
    public static Html Lines(
        HtmlPage page, string title, string explanation, string xLabel, IReadOnlyList<Curve> curves,
        bool smooth = false, bool fromZero = false) =>
        Figure(page, title, explanation, new
        {
            Kind = "lines",
            Title = title,
            XLabel = xLabel,
            Smooth = smooth,
            FromZero = fromZero,
            Series = curves.Select(curve => new
            {
                curve.Name,
                Points = Thin(curve.Points).Select(point => new[] { point.X, Finite(point.Y) }),
            }),
        });

    /// <summary>Estimates with their intervals: a row for each category, in it a dot and whisker for each series.</summary>
    /// <param name="page">The page the chart goes into.</param>
    /// <param name="title">Title above the chart.</param>
    /// <param name="explanation">A line under the title.</param>
    /// <param name="xLabel">Name of the x axis.</param>
    /// <param name="categories">Names of the rows, from the top.</param>
    /// <param name="series">Name and one estimate a category; null where there is none.</param>
    /// <param name="markZero">Draws a line at zero, for differences.</param>
    public static Html Intervals(
        HtmlPage page, string title, string explanation, string xLabel, IReadOnlyList<string> categories,
        IReadOnlyList<(string Name, IReadOnlyList<Estimate?> Estimates)> series, bool markZero = false) =>
        Figure(page, title, explanation, new
        {
            Kind = "intervals",
            Title = title,
            XLabel = xLabel,
            MarkZero = markZero,
            Categories = categories,
            Series = series.Select(row => new
            {
                row.Name,
                Estimates = row.Estimates.Select(estimate =>
                    estimate is { } e ? new double?[] { Finite(e.Value), Finite(e.Low), Finite(e.High) } : null),
            }),
        });

    /// <summary>At most <see cref="MostPoints"/> points: the means of equal runs. A run without a finite y stays a gap.</summary>
    internal static IEnumerable<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points)
    {
        if (points.Count <= MostPoints)
            return points;
        return Enumerable.Range(0, MostPoints).Select(run =>
        {
            int start = (int)((long)run * points.Count / MostPoints), end = (int)((run + 1L) * points.Count / MostPoints);
            var finite = Enumerable.Range(start, end - start).Select(i => points[i]).Where(point => double.IsFinite(point.Y)).ToList();
            return finite.Count == 0
                ? (points[start].X, double.NaN)
                : (finite.Average(point => point.X), finite.Average(point => point.Y));
        });
    }

    private static Html Figure<T>(HtmlPage page, string title, string explanation, T data)
    {
        page.Use("echarts.min.js", "charts.js");
        (string id, Html block) = page.Data(data);
        return Html.Of(
            $"""
            <figure class="chart" data-chart="{id}"><figcaption>{title}<small>{explanation}</small></figcaption><div class="plot"></div>{block}</figure>

            """);
    }

    // Infinities have no place on an axis: they leave a gap like NaN. Five digits are more than a screen shows.
    private static double? Finite(double value) =>
        double.IsFinite(value) ? double.Parse(value.ToString("G5")) : null;
}

using OtoMask.Evaluation;

namespace OtoMask.App.Reports;

/// <summary>One line of a chart.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">x ascending; a y that is not finite leaves a gap.</param>
internal sealed record Curve(string Name, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>Which of the looks it has, from 0, so that it has the same on every chart of a page; null: its place decides.</summary>
    public int? Style { get; init; }

    /// <summary>Set on one of several curves that <see cref="Name"/> stands for, such as "seed 42": it is drawn thin, under the curve of that name.</summary>
    public string? Member { get; init; }
}

/// <summary>A value with its interval, both in the units of the chart.</summary>
/// <param name="Value">The point.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
internal readonly record struct Estimate(double Value, double Low, double High)
{
    public Interval ToInterval() => new(Value, Low, High);
}

/// <summary>One series of a chart of estimates.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Estimates">One a row; null where there is none.</param>
/// <param name="Style">As <see cref="Curve.Style"/>.</param>
internal sealed record EstimateSeries(string Name, IReadOnlyList<Estimate?> Estimates, int? Style = null);

/// <summary>A dot with the interval of its height.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="X">Where it stands on the x axis.</param>
/// <param name="Y">Its height.</param>
/// <param name="Style">As <see cref="Curve.Style"/>.</param>
internal sealed record Dot(string Name, double X, Estimate Y, int? Style = null);

/// <summary>The charts of the reports, drawn by Apache ECharts: <c>Assets/charts.js</c> turns the data into its options.</summary>
internal static class Charts
{
    // More points than pixels cost megabytes and show nothing more.
    private const int MostPoints = 1200, MostPointsOfMember = 200;

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
                curve.Style,
                curve.Member,
                Points = Thin(curve.Points, curve.Member is null ? MostPoints : MostPointsOfMember).Select(point => new[] { Math.Round(point.X, 2), Finite(point.Y) }),
            }),
        });

    /// <summary>Estimates with their intervals: a row for each category, in it a dot and whisker for each series.</summary>
    /// <param name="page">The page the chart goes into.</param>
    /// <param name="title">Title above the chart.</param>
    /// <param name="explanation">A line under the title.</param>
    /// <param name="xLabel">Name of the x axis.</param>
    /// <param name="categories">Names of the rows, from the top.</param>
    /// <param name="series">The series, one estimate a category each.</param>
    /// <param name="markZero">Draws a line at zero, for differences.</param>
    public static Html Intervals(
        HtmlPage page, string title, string explanation, string xLabel, IReadOnlyList<string> categories,
        IReadOnlyList<EstimateSeries> series, bool markZero = false) =>
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
                row.Style,
                Estimates = row.Estimates.Select(estimate =>
                    estimate is { } e ? new double?[] { Finite(e.Value), Finite(e.Low), Finite(e.High) } : null),
            }),
        });

    /// <summary>Dots with the intervals of their heights, such as accuracy against cost.</summary>
    /// <param name="page">The page the chart goes into.</param>
    /// <param name="title">Title above the chart.</param>
    /// <param name="explanation">A line under the title.</param>
    /// <param name="xLabel">Name of the x axis, which begins at zero.</param>
    /// <param name="yLabel">Name of the y axis.</param>
    /// <param name="dots">The dots.</param>
    /// <param name="links">Names of dots to link by a dashed line.</param>
    public static Html Scatter(
        HtmlPage page, string title, string explanation, string xLabel, string yLabel, IReadOnlyList<Dot> dots, IEnumerable<(string From, string To)> links)
    {
        page.Use("echarts.min.js", "charts.js", "charts-scatter.js");
        return Figure(page, title, explanation, new
        {
            Kind = "scatter",
            Title = title,
            XLabel = xLabel,
            YLabel = yLabel,
            Links = links.Select(link => new[] { link.From, link.To }),
            Series = dots.Select(dot => new { dot.Name, dot.Style, Point = new[] { Finite(dot.X), Finite(dot.Y.Value), Finite(dot.Y.Low), Finite(dot.Y.High) } }),
        });
    }

    /// <summary>At most <paramref name="most"/> points: the means of equal runs. A run without a finite y stays a gap.</summary>
    internal static IEnumerable<(double X, double Y)> Thin(IReadOnlyList<(double X, double Y)> points, int most = MostPoints)
    {
        if (points.Count <= most)
            return points;
        return Enumerable.Range(0, most).Select(run =>
        {
            int start = (int)((long)run * points.Count / most), end = (int)((run + 1L) * points.Count / most);
            var finite = Enumerable.Range(start, end - start).Select(i => points[i]).Where(point => double.IsFinite(point.Y)).ToList();
            return finite.Count == 0
                ? (points[start].X, double.NaN)
                : (finite.Average(point => point.X), finite.Average(point => point.Y));
        });
    }

    /// <summary>The frame of a chart.</summary>
    /// <param name="page">The page the chart goes into.</param>
    /// <param name="title">Title above the chart.</param>
    /// <param name="explanation">A line under the title.</param>
    /// <param name="data">What the script of its kind draws.</param>
    /// <param name="controls">Lists or sliders between title and chart.</param>
    internal static Html Figure<T>(HtmlPage page, string title, string explanation, T data, Html controls = default)
    {
        page.Use("echarts.min.js", "charts.js");
        (string id, Html block) = page.Data(data);
        return Html.Of(
            $"""
            <figure class="chart" data-chart="{id}"><figcaption>{title}<small>{explanation}</small></figcaption>{controls}<div class="plot"></div>{block}</figure>

            """);
    }

    /// <summary>Five digits, which are more than a screen shows. Infinities have no place on an axis: they leave a gap like NaN.</summary>
    internal static double? Finite(double value) =>
        double.IsFinite(value) ? double.Parse(value.ToString("G5")) : null;
}

using OtoMask.Evaluation;

namespace OtoMask.App.Reports;

/// <summary>Small pieces that several reports share.</summary>
internal static class ReportParts
{
    /// <summary>A strip of headline numbers.</summary>
    public static Html Facts(IEnumerable<(string Name, string Value)> facts) => Html.Of(
        $"""<dl class="facts">{Html.Each(facts, fact => Html.Of($"<div><dt>{fact.Name}</dt><dd>{fact.Value}</dd></div>"))}</dl>""");

    /// <summary>A two-column table of names and values.</summary>
    public static Html Pairs(IEnumerable<(string Name, string Value)> pairs) => Html.Of(
        $"""<div class="table"><table><tbody>{Html.Each(pairs, pair => Html.Of($"<tr><th>{pair.Name}</th><td>{pair.Value}</td></tr>"))}</tbody></table></div>""");

    /// <summary>A link that saves a table as CSV.</summary>
    /// <param name="page">The page it goes into.</param>
    /// <param name="name">What is saved; names the file, too.</param>
    /// <param name="rows">The column names, then rows of texts and numbers.</param>
    public static Html Download(HtmlPage page, string name, IEnumerable<object?[]> rows)
    {
        (string id, Html block) = page.Data(rows);
        return Html.Of($"""<p class="save" data-csv="{id}" data-name="{name}">{name} {block}</p>""");
    }

    /// <summary>A cell with a difference and its interval, coloured where that excludes zero; a dash where nothing was measured.</summary>
    public static Html DifferenceCell(Interval? difference)
    {
        if (difference is not { } interval)
            return Html.Of($"""<td class="number">–</td>""");
        IntervalText text = IntervalText.OfDifference(interval);
        string colour = !interval.ExcludesZero ? "" : interval.Value > 0 ? " better" : " worse";
        return Html.Of($"""<td class="number{colour}">{Minus(text.Value)}<span class="interval">{Minus(text.Low)} to {Minus(text.High)}</span></td>""");
    }

    private static string Minus(string number) => number.Replace('-', '−');
}

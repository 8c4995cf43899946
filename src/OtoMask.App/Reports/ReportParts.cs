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
}

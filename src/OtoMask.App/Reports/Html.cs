using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace OtoMask.App.Reports;

/// <summary>A piece of HTML. Text that is put into one is escaped, so that a file name can never become markup.</summary>
/// <remarks><c>Html.Of($"&lt;h2&gt;{name}&lt;/h2&gt;")</c>: literal parts are markup, holes are escaped text unless they are
/// <see cref="Html"/> themselves. Numbers are written with the invariant culture.</remarks>
internal readonly struct Html(string markup)
{
    private readonly string? markup = markup;

    /// <summary>No markup.</summary>
    public static Html Empty { get; } = new("");

    /// <summary>Markup with escaped holes.</summary>
    public static Html Of(HtmlInterpolation content) => content.ToHtml();

    /// <summary>Escaped text.</summary>
    public static Html Text(string text) => new(WebUtility.HtmlEncode(text));

    /// <summary>One piece after the other.</summary>
    public static Html Join(IEnumerable<Html> pieces) => new(string.Concat(pieces.Select(piece => piece.ToString())));

    /// <summary>One piece for each item.</summary>
    public static Html Each<T>(IEnumerable<T> items, Func<T, Html> toHtml) => Join(items.Select(toHtml));

    /// <summary>The markup.</summary>
    public override string ToString() => markup ?? "";
}

/// <summary>Builds <see cref="Html"/> from an interpolated string; see there.</summary>
[InterpolatedStringHandler]
internal readonly ref struct HtmlInterpolation(int literalLength, int holes)
{
    private readonly StringBuilder markup = new(literalLength + (16 * holes));

    public void AppendLiteral(string literal) => markup.Append(literal);

    public void AppendFormatted(Html piece) => markup.Append(piece.ToString());

    public void AppendFormatted(string? text) => markup.Append(WebUtility.HtmlEncode(text));

    public void AppendFormatted<T>(T value, string? format = null) where T : IFormattable =>
        markup.Append(WebUtility.HtmlEncode(value.ToString(format, CultureInfo.InvariantCulture)));

    public Html ToHtml() => new(markup.ToString());
}

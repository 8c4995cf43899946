using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace OtoMask.App.Reports;

/// <summary>
/// The shell of every report: one file that needs no network, with a light and a dark face, fit for print and small screens.
/// Styles and scripts are embedded resources (Reports/Assets, Reports/Vendor) and are inlined only where a page uses them.
/// </summary>
/// <param name="title">Title of the page and its heading.</param>
/// <param name="lead">One or two sentences under the heading.</param>
internal sealed class HtmlPage(string title, Html lead)
{
    /// <summary>How data is written for scripts.</summary>
    // The default encoder writes <, >, & and ' as \uXXXX: no text in the data can close the script element it sits in.
    public static readonly JsonSerializerOptions DataOptions = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower) },
    };

    private readonly List<Html> parts = [];
    private readonly List<string> assets = ["page.css", "page.js"];
    private int dataBlocks;

    /// <summary>Whether styles and scripts are linked to below <c>/assets</c>, where a server has them, and not part of the page.</summary>
    public bool IsServed { get; init; }

    /// <summary>Other pages of the same server, by their titles; this one among them.</summary>
    public IReadOnlyList<(string Title, string Address)> Neighbours { get; init; } = [];

    /// <summary>Small print above the heading, such as "mask gallery".</summary>
    public string Kind { get; init; } = "OtoMask";

    /// <summary>Appends a piece of the page's body.</summary>
    public void Add(Html part) => parts.Add(part);

    /// <summary>Appends a titled section; the title is also the section's anchor and its line in the table of contents.</summary>
    public void AddSection(string id, string heading, Html body) => parts.Add(Html.Of(
        $"""<section id="{id}" data-section="{heading}"><h2>{heading}</h2>{body}</section>"""));

    /// <summary>Has the page inline these embedded styles and scripts, in this order, each once.</summary>
    public void Use(params ReadOnlySpan<string> resources)
    {
        foreach (string resource in resources)
        {
            if (!assets.Contains(resource))
                assets.Add(resource);
        }
    }

    /// <summary>Embeds <paramref name="data"/> as JSON and gives the element's id, for a script to read.</summary>
    public (string Id, Html Block) Data<T>(T data)
    {
        string id = $"data-{++dataBlocks}";
        Html json = new(JsonSerializer.Serialize(data, DataOptions));
        return (id, Html.Of($"""<script type="application/json" id="{id}">{json}</script>"""));
    }

    /// <summary>The whole page.</summary>
    public string Render() => Html.Of(
        $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="generator" content="OtoMask">
        <title>{title}</title>
        <link rel="icon" href="data:,">
        {(IsServed ? Html.Each(assets.Where(IsStyle), style => Html.Of($"""<link rel="stylesheet" href="/assets/{style}">""")) : Html.Of($"<style>{Html.Each(assets.Where(IsStyle), Resource)}</style>"))}
        </head>
        <body>
        <header class="masthead">
        <div class="bar"><span class="brand">OtoMask</span><span class="kind">{Kind}</span>{Places}<button id="theme" type="button" hidden></button></div>
        <h1>{title}</h1>
        <p class="lead">{lead}</p>
        <nav id="contents" aria-label="Sections" hidden></nav>
        </header>
        <main>
        {Html.Join(parts)}
        </main>
        <footer><p>Made by OtoMask {Version}. {(IsServed ? "This page loads nothing but from this machine." : "This file is complete in itself: it loads nothing from anywhere.")}</p></footer>
        {Html.Each(assets.Where(asset => !IsStyle(asset)), script => IsServed ? Html.Of($"""<script src="/assets/{script}"></script>{"\n"}""") : Html.Of($"<script>{Resource(script)}</script>\n"))}
        </body>
        </html>

        """).ToString();

    private Html Places => Neighbours.Count == 0 ? Html.Of($"") : Html.Of(
        $"""
        <nav class="places" aria-label="Pages">{Html.Each(Neighbours, place => place.Title == title
            ? Html.Of($"""<a href="{place.Address}" aria-current="page">{place.Title}</a>""")
            : Html.Of($"""<a href="{place.Address}">{place.Title}</a>"""))}</nav>
        """);

    /// <summary>A style or script that pages link to where they are served; null where there is none of that name.</summary>
    public static byte[]? Asset(string name)
    {
        if (!name.EndsWith(".css", StringComparison.Ordinal) && !name.EndsWith(".js", StringComparison.Ordinal))
            return null;
        using Stream? stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name);
        if (stream is null)
            return null;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static bool IsStyle(string asset) => asset.EndsWith(".css", StringComparison.Ordinal);

    private static string Version =>
        typeof(HtmlPage).Assembly.GetName().Version?.ToString(3) ?? throw new InvalidOperationException("the assembly has no version");

    private static Html Resource(string name) => new(Encoding.UTF8.GetString(Asset(name) ?? throw new InvalidOperationException($"no embedded resource {name}")));
}

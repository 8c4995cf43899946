using Microsoft.AspNetCore.Http;
using OtoMask.App.Reports;

namespace OtoMask.App.Serve;

/// <summary>What the pages of the server have in common.</summary>
internal static class ServedPage
{
    /// <summary>What a page is sent as.</summary>
    public const string Mime = "text/html; charset=utf-8";

    private static readonly IReadOnlyList<(string Title, string Address)> Places = [("Runs", "/"), ("Masks", "/masks"), ("Embeddings", "/embeddings")];

    /// <summary>An empty page.</summary>
    /// <param name="title">One of the pages' titles.</param>
    /// <param name="lead">One or two sentences under the heading.</param>
    public static HtmlPage Begin(string title, Html lead)
    {
        HtmlPage page = new(title, lead) { Kind = "live", IsServed = true, Neighbours = Places };
        page.Use("serve.css", "serve.js");
        return page;
    }

    /// <summary>Where the page says what the server refuses, and what is missing without its script.</summary>
    /// <param name="does">What the script does, such as "shows the runs".</param>
    public static Html Refusals(string does) => Html.Of(
        $"""
        <div id="refused" class="callout bad" role="alert" hidden><p></p></div>
        <noscript><p class="callout">This page's script {does}; your browser does not run it.</p></noscript>
        """);

    /// <summary>The answer that a page is.</summary>
    public static IResult Answer(string page) => Results.Content(page, Mime);
}

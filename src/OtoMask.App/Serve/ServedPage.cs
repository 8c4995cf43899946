using OtoMask.App.Reports;

namespace OtoMask.App.Serve;

/// <summary>What the pages of the server have in common.</summary>
internal static class ServedPage
{
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
}

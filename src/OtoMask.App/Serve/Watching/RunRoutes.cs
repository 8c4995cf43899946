using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using OtoMask.App.Reports;

namespace OtoMask.App.Serve.Watching;

/// <summary>The page of runs: what it asks for, and what it is told while it happens.</summary>
/// <param name="book">The runs.</param>
/// <param name="mayControl">Whether runs may be stopped and resumed.</param>
internal sealed class RunRoutes(RunBook book, bool mayControl) : IRoutes
{
    private const int MostFollowed = 12; // runs in one comparison: more colours nobody tells apart

    /// <inheritdoc/>
    public void Map(WebApplication app, CancellationToken ending)
    {
        app.MapGet("/", () =>
        {
            book.LookIfStale(); // the first page shows what there is
            return ServedPage.Answer(RunsPage.Build(book.Since(0).Changed, MostFollowed, mayControl));
        });
        app.MapGet("/api/runs", () =>
        {
            book.LookIfStale();
            return Results.Json(book.Since(0).Changed, HtmlPage.DataOptions);
        });
        app.MapGet("/api/live", (HttpContext context) => LiveAsync(context, ending));
        app.MapGet("/api/settings", (string[] run) => Answers.Of(() => Results.Json(Settings(run), HtmlPage.DataOptions)));
        app.MapGet("/files/{file}", (string file, string run) => Answers.Of(() => FileOf(run, file)));
        app.MapPost("/api/stop", (string run) => Answers.Of(() =>
        {
            RequireControl();
            RunControl.Stop(book.Run(run));
            return Results.NoContent();
        }));
        app.MapPost("/api/resume", (string run, CancellationToken cancellation) => Answers.OfAsync(async () =>
        {
            RequireControl();
            WatchedRun found = book.Run(run);
            await RunControl.ResumeAsync(found.Id, found.Path, found.IsFineTuning, cancellation);
            return Results.NoContent();
        }));
    }

    /// <summary>What changes, as it changes, in server-sent events: lines of the list, and the curves of the runs that are followed.</summary>
    private async Task LiveAsync(HttpContext context, CancellationToken ending)
    {
        string[] followed = [.. context.Request.Query["run"].OfType<string>().Distinct().Take(MostFollowed)];
        context.Response.ContentType = "text/event-stream";
        using var until = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, ending);
        var curves = new CurveMail(book, followed);
        long seen = 0;
        IReadOnlyList<string> known = [];
        try
        {
            while (true)
            {
                book.LookIfStale();
                (long look, IReadOnlyList<RunLine> changed, IReadOnlyList<string> ids) = book.Since(seen);
                if (changed.Count > 0 || !ids.SequenceEqual(known)) // some may have gone
                    await SendAsync(context, "runs", new { Lines = changed, Ids = ids }, until.Token);
                (seen, known) = (look, ids);
                while (curves.Next() is { } news)
                    await SendAsync(context, "curves", news, until.Token);
                await context.Response.WriteAsync(": \n\n", until.Token); // who has gone is found out
                await context.Response.Body.FlushAsync(until.Token);
                await Task.Delay(book.BetweenLooks, until.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed, or the server ends.
        }
        finally
        {
            curves.End();
        }
    }

    private static async Task SendAsync<T>(HttpContext context, string name, T data, CancellationToken cancellation) =>
        await context.Response.WriteAsync($"event: {name}\ndata: {JsonSerializer.Serialize(data, HtmlPage.DataOptions)}\n\n", cancellation);

    private Dictionary<string, IReadOnlyDictionary<string, string>> Settings(string[] runs) =>
        runs.Distinct().Take(MostFollowed).ToDictionary(id => id, id => book.Run(id).Settings());

    private IResult FileOf(string id, string file)
    {
        string? path = null;
        if (!book.With(id, watched => path = watched.Files.Contains(file) ? Path.Combine(watched.Path, file) : null) || path is null || !book.Holds(path))
            return Results.NotFound();
        FileStream stream = InputFile.Open(path);
        return file.EndsWith(".html", StringComparison.Ordinal)
            ? new Report(stream)
            : Results.Stream(stream, "text/plain; charset=utf-8", fileDownloadName: file.EndsWith(".yaml", StringComparison.Ordinal) ? null : file);
    }

    private void RequireControl()
    {
        if (!mayControl)
            throw new UserErrorException("runs are stopped and resumed here only where `otomask serve` was started with --control");
    }

    /// <summary>A page of somebody's folder, under the policy of such.</summary>
    private sealed class Report(Stream page) : IResult
    {
        public async Task ExecuteAsync(HttpContext context)
        {
            await using (page)
            {
                context.Response.Headers.ContentSecurityPolicy = Guard.PolicyOfReports;
                context.Response.ContentType = ServedPage.Mime;
                await page.CopyToAsync(context.Response.Body, context.RequestAborted);
            }
        }
    }
}

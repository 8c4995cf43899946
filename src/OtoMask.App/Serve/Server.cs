using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using OtoMask.App.Reports;

namespace OtoMask.App.Serve;

/// <summary>The server of <c>otomask serve</c>: pages, what they ask for, and what they are told while it happens.</summary>
/// <param name="book">The runs.</param>
/// <param name="guard">Who may ask.</param>
/// <param name="mayControl">Whether runs may be stopped and resumed.</param>
internal sealed class Server(RunBook book, Guard guard, bool mayControl)
{
    private const int MostFollowed = 12; // runs in one comparison: more colours nobody tells apart
    private const long MostConnections = 256;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1), EndOfConnections = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource ending = new();
    private long lookedAt;

    /// <summary>Serves until it is cancelled.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="port">The port; 0 takes a free one.</param>
    /// <param name="listening">Is told the port once pages can be opened.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="UserErrorException">It cannot listen there.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled: there is no other end.</exception>
    public async Task RunAsync(IPAddress address, int port, Action<int> listening, CancellationToken cancellation)
    {
        // Nothing of the surroundings configures it: no file in the working folder, no variable.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxRequestBodySize = 0; // nobody has anything to send
            kestrel.Limits.MaxRequestHeadersTotalSize = 1 << 14;
            kestrel.Listen(address, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddRoutingCore();
        await using WebApplication app = builder.Build();
        app.Use(next => context => guard.Check(context, next));
        Map(app);
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (IOException error) when (error.InnerException is AddressInUseException)
        {
            throw new UserErrorException($"port {port} of {address} is in use; choose another --port", error);
        }
        catch (SocketException error)
        {
            throw new UserErrorException($"cannot listen on {new IPEndPoint(address, port)} ({OneLine.Of(error.Message)}); choose another --address or --port", error);
        }
        listening(new Uri(app.Urls.First()).Port);
        try
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        finally
        {
            await ending.CancelAsync();
            using var patience = new CancellationTokenSource(EndOfConnections);
            await app.StopAsync(patience.Token);
        }
    }

    private void Map(WebApplication app)
    {
        app.MapGet("/", () =>
        {
            LookIfStale(); // the first page shows what there is
            return Results.Content(RunsPage.Build(book.Since(0).Changed, MostFollowed, mayControl), "text/html; charset=utf-8");
        });
        app.MapGet("/assets/{name}", (string name) => HtmlPage.Asset(name) is { } asset
            ? Results.Bytes(asset, name.EndsWith(".css", StringComparison.Ordinal) ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8")
            : Results.NotFound());
        app.MapGet("/api/runs", () =>
        {
            LookIfStale();
            return Results.Json(book.Since(0).Changed, HtmlPage.DataOptions);
        });
        app.MapGet("/api/live", LiveAsync);
        app.MapGet("/api/settings", (string[] run) => Answer(() => Results.Json(Settings(run), HtmlPage.DataOptions)));
        app.MapGet("/files/{file}", (string file, string run) => Answer(() => FileOf(run, file)));
        app.MapPost("/api/stop", (string run) => Answer(() =>
        {
            RequireControl();
            RunControl.Stop(Run(run));
            return Results.NoContent();
        }));
        app.MapPost("/api/resume", (string run, CancellationToken cancellation) => AnswerAsync(async () =>
        {
            RequireControl();
            WatchedRun found = Run(run);
            await RunControl.ResumeAsync(found.Id, found.Path, found.IsFineTuning, cancellation);
            return Results.NoContent();
        }));
    }

    /// <summary>What changes, as it changes, in server-sent events: lines of the list, and the curves of the runs that are followed.</summary>
    private async Task LiveAsync(HttpContext context)
    {
        string[] followed = [.. context.Request.Query["run"].OfType<string>().Distinct().Take(MostFollowed)];
        context.Response.ContentType = "text/event-stream";
        using var until = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, ending.Token);
        var curves = new CurveMail(book, followed);
        long seen = 0;
        IReadOnlyList<string> known = [];
        try
        {
            while (true)
            {
                LookIfStale();
                (long look, IReadOnlyList<RunLine> changed, IReadOnlyList<string> ids) = book.Since(seen);
                if (changed.Count > 0 || !ids.SequenceEqual(known)) // some may have gone
                    await SendAsync(context, "runs", new { Lines = changed, Ids = ids }, until.Token);
                (seen, known) = (look, ids);
                while (curves.Next() is { } news)
                    await SendAsync(context, "curves", news, until.Token);
                await context.Response.WriteAsync(": \n\n", until.Token); // who has gone is found out
                await context.Response.Body.FlushAsync(until.Token);
                await Task.Delay(BetweenLooks, until.Token);
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

    /// <summary>However many pages are open, nobody looks more than about once a second.</summary>
    private void LookIfStale()
    {
        long now = Environment.TickCount64, last = Interlocked.Read(ref lookedAt);
        if (now - last >= 0.9 * BetweenLooks.TotalMilliseconds && Interlocked.CompareExchange(ref lookedAt, now, last) == last)
            book.Look();
    }

    private Dictionary<string, IReadOnlyDictionary<string, string>> Settings(string[] runs) =>
        runs.Distinct().Take(MostFollowed).ToDictionary(id => id, id => Run(id).Settings());

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

    private WatchedRun Run(string id)
    {
        Watched? found = null;
        return book.With(id, watched => found = watched) && found is WatchedRun run ? run : throw new UserErrorException($"there is no run {id}");
    }

    private void RequireControl()
    {
        if (!mayControl)
            throw new UserErrorException("runs are stopped and resumed here only where `otomask serve` was started with --control");
    }

    private static IResult Answer(Func<IResult> act)
    {
        try
        {
            return act();
        }
        catch (UserErrorException error)
        {
            return Refused(error);
        }
    }

    private static async Task<IResult> AnswerAsync(Func<Task<IResult>> act)
    {
        try
        {
            return await act();
        }
        catch (UserErrorException error)
        {
            return Refused(error);
        }
    }

    private static IResult Refused(UserErrorException error) => Results.Text(OneLine.Of(error.Message), "text/plain; charset=utf-8", statusCode: StatusCodes.Status409Conflict);

    /// <summary>A page of somebody's folder, under the policy of such.</summary>
    private sealed class Report(Stream page) : IResult
    {
        public async Task ExecuteAsync(HttpContext context)
        {
            await using (page)
            {
                context.Response.Headers.ContentSecurityPolicy = Guard.PolicyOfReports;
                context.Response.ContentType = "text/html; charset=utf-8";
                await page.CopyToAsync(context.Response.Body, context.RequestAborted);
            }
        }
    }
}

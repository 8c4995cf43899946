using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using OtoMask.App.Reports;

namespace OtoMask.App.Serve;

/// <summary>The server of <c>otomask serve</c>: pages, what they ask for, and what they are told while it happens.</summary>
/// <param name="guard">Who may ask.</param>
/// <param name="pages">What may be asked.</param>
internal sealed class Server(Guard guard, params IReadOnlyList<IRoutes> pages)
{
    private const long MostConnections = 256;
    private static readonly TimeSpan EndOfConnections = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource ending = new();

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
            kestrel.Limits.MaxRequestBodySize = 0; // nobody has anything to send, but where it is said
            kestrel.Limits.MaxRequestHeadersTotalSize = 1 << 14;
            kestrel.Listen(address, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.AddRoutingCore();
        await using WebApplication app = builder.Build();
        app.Use(next => context => guard.Check(context, next));
        app.MapGet("/assets/{name}", (string name) => HtmlPage.Asset(name) is { } asset
            ? Results.Bytes(asset, name.EndsWith(".css", StringComparison.Ordinal) ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8")
            : Results.NotFound());
        foreach (IRoutes page in pages)
            page.Map(app, ending.Token);
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
}

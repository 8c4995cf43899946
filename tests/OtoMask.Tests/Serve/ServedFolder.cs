using System.Diagnostics;
using System.Net;
using OtoMask.App.Serve;
using OtoMask.App.Serve.Listening;
using OtoMask.App.Serve.Mapping;
using OtoMask.App.Serve.Watching;
using OtoMask.Configuration;
using OtoMask.Runs;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Serve;

/// <summary>A folder with runs, and a server on it on a free port of loopback.</summary>
internal sealed class ServedFolder : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource ending = new();
    private readonly Task serving;

    private ServedFolder(AppFolder folder, RunBook book, Task serving, CancellationTokenSource ending, int port) =>
        (Folder, Book, this.serving, this.ending, Port) = (folder, book, serving, ending, port);

    public AppFolder Folder { get; }

    public RunBook Book { get; }

    public int Port { get; }

    public string Address => $"http://127.0.0.1:{Port}";

    public static async Task<ServedFolder> StartAsync(AppFolder folder, bool mayControl = false, string? token = null, IPAddress? guarded = null, string[]? data = null, string? dataFolder = null, TimeSpan? betweenLooks = null)
    {
        var ending = new CancellationTokenSource();
        var port = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        RunBook book = betweenLooks is { } pause ? new(folder.Path) { BetweenLooks = pause } : new(folder.Path);
        var sets = new SoundSets(data ?? [], dataFolder ?? folder.Inside("no-data"));
        var server = new Server(new Guard(guarded ?? IPAddress.Loopback, token), new RunRoutes(book, mayControl), new MaskRoutes(book, sets), new MapRoutes(book, sets));
        Task serving = server.RunAsync(IPAddress.Loopback, 0, port.SetResult, ending.Token);
        await Task.WhenAny(port.Task, serving);
        if (serving.IsFaulted)
            await serving;
        return new ServedFolder(folder, book, serving, ending, await port.Task);
    }

    /// <summary>A run that has done so many steps of so many, as its files tell.</summary>
    public static RunFolder WriteRun(AppFolder folder, string name, int steps, int all, string? metrics = "concluded", Func<int, StepRecord>? step = null)
    {
        var run = new RunFolder(folder.Inside(name));
        Directory.CreateDirectory(Path.GetDirectoryName(run.CheckpointOf(0))!);
        ConfigFile.Write(run.Config, new PretrainingConfig { Steps = all, Data = "sounds", Mask = name.Contains("dwm") ? "dwm" : "random" });
        using (StreamWriter log = File.CreateText(run.Log))
        {
            for (int i = 1; i <= steps; i++)
                log.WriteLine((step ?? (number => LogGlanceTests.Step(number)))(i).ToJson());
            log.WriteLine(new EvaluationRecord(steps, 0, "rankme", 12.5).ToJson());
            log.WriteLine(new EvaluationRecord(steps, 0, "knn/drums", 40).ToJson());
            log.WriteLine(new EvaluationRecord(steps, 0, "knn/tones", 60).ToJson());
        }
        if (metrics is not null)
            File.WriteAllText(run.Metrics, metrics == "concluded" ? $$"""{"step": {{steps}}, "total_steps": {{all}}}""" : metrics);
        return run;
    }

    /// <summary>The page of a server that is being started, or why it ended.</summary>
    public static string Poll(string address, AppProcess app)
    {
        using var client = new HttpClient();
        long begin = Stopwatch.GetTimestamp();
        while (!app.HasExited && Stopwatch.GetElapsedTime(begin) < Patience)
        {
            try
            {
                return client.GetStringAsync(address).GetAwaiter().GetResult();
            }
            catch (HttpRequestException)
            {
                Thread.Sleep(50);
            }
        }
        return app.HasExited ? $"it ended: {app.Wait().Error}" : "";
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
        ending.Dispose();
    }
}

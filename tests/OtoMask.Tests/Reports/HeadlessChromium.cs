using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OtoMask.Tests.Reports;

/// <summary>A headless Chromium, spoken to by the DevTools protocol, with one page open. Collects what goes wrong on the page.</summary>
internal sealed class HeadlessChromium : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5); // on a machine that trains at the same time, a page has taken more than one

    private readonly Process process;
    private readonly string profile;
    private readonly ClientWebSocket socket = new();
    private int lastId;

    /// <summary>Console errors and uncaught exceptions so far, and requests for anything but the page itself.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>The program, or null where none is installed.</summary>
    public static string? Executable { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(name => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    private HeadlessChromium(Process process, string profile) => (this.process, this.profile) = (process, profile);

    /// <summary>Opens a file at a window width in CSS pixels and waits until its scripts have run.</summary>
    public static async Task<HeadlessChromium> OpenAsync(string file, int width, bool dark = false)
    {
        string profile = Directory.CreateTempSubdirectory("otomask-chromium-").FullName;
        ProcessStartInfo start = new(Executable!) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["TMPDIR"] = profile; // it leaves folders behind
        foreach (string option in (string[])[
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank"])
            start.ArgumentList.Add(option);
        Process process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        HeadlessChromium browser = new(process, profile);
        await browser.ConnectAsync();
        await browser.SendAsync("Runtime.enable");
        await browser.SendAsync("Network.enable");
        await browser.SendAsync("Page.enable");
        await browser.SendAsync("Emulation.setDeviceMetricsOverride",
            new() { ["width"] = width, ["height"] = 900, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        await browser.SendAsync("Emulation.setEmulatedMedia", new()
        {
            ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }),
        });
        await browser.SendAsync("Page.navigate", new() { ["url"] = new Uri(file).AbsoluteUri });
        while (await browser.EvaluateAsync<string>("location.protocol + document.readyState") != "file:complete")
            await Task.Delay(20);
        await browser.SettleAsync();
        return browser;
    }

    /// <summary>Waits for two frames, in which size observers and drawings run.</summary>
    public Task SettleAsync() =>
        EvaluateAsync<bool>("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 50))))");

    /// <summary>The value of a JavaScript expression; promises are awaited.</summary>
    public async Task<T> EvaluateAsync<T>(string expression)
    {
        JsonNode answer = await SendAsync("Runtime.evaluate",
            new() { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        if (answer["exceptionDetails"] is { } failure)
            throw new InvalidOperationException($"{expression}: {failure.ToJsonString()}");
        return answer["result"]!["value"]!.Deserialize<T>()!;
    }

    /// <summary>An expression: how many canvases show more than one colour.</summary>
    public const string DrawnCanvases =
        """
        [...document.querySelectorAll("canvas")].filter(canvas => {
          const data = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
          return data.some(pixel => pixel !== data[0]);
        }).length
        """;

    /// <summary>Keeps a picture of the whole page for whoever wants to look: in the folder that OTOMASK_SCREENSHOTS names, else in screenshots/ beside the tests.</summary>
    public async Task KeepScreenshotAsync(string name)
    {
        string gallery = Environment.GetEnvironmentVariable("OTOMASK_SCREENSHOTS") is { Length: > 0 } chosen ? chosen : Path.Combine(AppContext.BaseDirectory, "screenshots");
        Directory.CreateDirectory(gallery);
        await ScreenshotAsync(Path.Combine(gallery, name + ".png"));
    }

    private async Task ScreenshotAsync(string file)
    {
        JsonNode shot = await SendAsync("Page.captureScreenshot", new() { ["captureBeyondViewport"] = true });
        await File.WriteAllBytesAsync(file, Convert.FromBase64String(shot["data"]!.GetValue<string>()));
    }

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(profile, recursive: true);
    }

    private async Task ConnectAsync()
    {
        string portFile = Path.Combine(profile, "DevToolsActivePort");
        using CancellationTokenSource limit = new(Patience);
        string[] lines;
        while (!File.Exists(portFile) || (lines = await File.ReadAllLinesAsync(portFile)).Length < 2)
            await Task.Delay(30, limit.Token);
        using HttpClient http = new(new HttpClientHandler { UseProxy = false });
        JsonNode targets = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{lines[0]}/json/list", limit.Token))!;
        string address = targets.AsArray().First(target => target!["type"]!.GetValue<string>() == "page")!["webSocketDebuggerUrl"]!.GetValue<string>();
        socket.Options.Proxy = null;
        await socket.ConnectAsync(new Uri(address), limit.Token);
    }

    private async Task<JsonNode> SendAsync(string method, JsonObject? parameters = null)
    {
        using CancellationTokenSource limit = new(Patience);
        int id = ++lastId;
        JsonObject message = new() { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message), WebSocketMessageType.Text, true, limit.Token);
        while (true)
        {
            JsonNode received = await ReceiveAsync(limit.Token);
            if (received["id"]?.GetValue<int>() == id)
                return received["result"] ?? throw new InvalidOperationException($"{method}: {received.ToJsonString()}");
            Note(received);
        }
    }

    private async Task<JsonNode> ReceiveAsync(CancellationToken stop)
    {
        using MemoryStream message = new();
        byte[] buffer = new byte[1 << 16];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, stop);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(message.ToArray())!;
    }

    private void Note(JsonNode happening)
    {
        string details = happening["params"]?.ToJsonString() ?? "";
        switch (happening["method"]?.GetValue<string>())
        {
            case "Runtime.exceptionThrown":
            case "Runtime.consoleAPICalled" when happening["params"]!["type"]!.GetValue<string>() is "error" or "warning" or "assert":
                Complaints.Add(details);
                break;
            case "Network.requestWillBeSent" when !IsLocal(happening["params"]!["request"]!["url"]!.GetValue<string>()):
                Complaints.Add("the page asks for something outside itself: " + details);
                break;
        }
    }

    private static bool IsLocal(string url) => url.StartsWith("file:", StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal);
}

/// <summary>A test that needs a browser; skipped, and said so, where no Chromium is installed.</summary>
internal sealed class ChromiumFactAttribute : FactAttribute
{
    public ChromiumFactAttribute()
    {
        if (HeadlessChromium.Executable is null)
            Skip = "no chromium in PATH; install the Debian package chromium to run this test";
    }
}

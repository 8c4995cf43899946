using System.Collections.Concurrent;
using PuppeteerSharp;

namespace OtoMask.Tests.Reports;

/// <summary>The machine's Chromium, headless, with one page open. Collects what goes wrong on the page.</summary>
internal sealed class HeadlessChromium : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5); // on a machine that trains at the same time, a page has taken more than one

    private readonly IBrowser browser;
    private readonly IPage page;
    private readonly string folder;
    private readonly ConcurrentQueue<string> complaints = new();

    private HeadlessChromium(IBrowser browser, IPage page, string folder)
    {
        (this.browser, this.page, this.folder) = (browser, page, folder);
        page.PageError += (_, error) => complaints.Enqueue(error.Message);
        page.Console += (_, line) =>
        {
            if (line.Message.Type is ConsoleType.Error or ConsoleType.Warning or ConsoleType.Assert)
                complaints.Enqueue($"{line.Message.Type}: {line.Message.Text}");
        };
        page.Request += (_, asked) =>
        {
            if (!IsLocal(asked.Request.Url) && !(Origin is { } origin && asked.Request.Url.StartsWith(origin, StringComparison.Ordinal)))
                complaints.Enqueue("the page asks for something outside itself: " + asked.Request.Url);
        };
    }

    /// <summary>Console errors and uncaught exceptions so far, and requests for anything but the page itself.</summary>
    public IReadOnlyCollection<string> Complaints => complaints;

    /// <summary>Of a page that a server has: what the page may ask.</summary>
    private string? Origin { get; init; }

    /// <summary>The program, or null where none is installed.</summary>
    public static string? Executable { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(name => Path.Combine(folder, name)))
        .FirstOrDefault(File.Exists);

    /// <summary>Opens a file, or the page of a server, at a window width in CSS pixels and waits until its scripts have run.</summary>
    public static async Task<HeadlessChromium> OpenAsync(string file, int width, bool dark = false)
    {
        string folder = Directory.CreateTempSubdirectory("otomask-chromium-").FullName;
        IBrowser browser = await Puppeteer.LaunchAsync(new LaunchOptions
        {
            ExecutablePath = Executable,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required"], // its microphone beeps
            Env = { ["TMPDIR"] = folder }, // it leaves folders behind
            UserDataDir = Path.Combine(folder, "profile"),
            Pipe = true,
            Timeout = (int)Patience.TotalMilliseconds,
            ProtocolTimeout = (int)Patience.TotalMilliseconds,
            DefaultViewport = Viewport(width),
        });
        IPage page = (await browser.PagesAsync())[0];
        var address = new Uri(file);
        var chromium = new HeadlessChromium(browser, page, folder) { Origin = address.IsFile ? null : address.GetLeftPart(UriPartial.Authority) };
        await page.EmulateMediaFeaturesAsync([new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = dark ? "dark" : "light" }]);
        await page.GoToAsync(address.AbsoluteUri, (int)Patience.TotalMilliseconds, [WaitUntilNavigation.Load]);
        await chromium.SettleAsync();
        return chromium;
    }

    /// <summary>Makes the window another width and waits until the page has followed.</summary>
    public async Task ResizeAsync(int width)
    {
        await page.SetViewportAsync(Viewport(width));
        await SettleAsync();
    }

    /// <summary>Waits for two frames, in which size observers and drawings run.</summary>
    public Task SettleAsync() =>
        EvaluateAsync<bool>("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true), 50))))");

    /// <summary>Waits until a JavaScript expression is true.</summary>
    public async Task WaitForAsync(string expression)
    {
        try
        {
            await page.WaitForExpressionAsync(expression, new WaitForFunctionOptions { Timeout = (int)Patience.TotalMilliseconds, PollingInterval = 100 });
        }
        catch (PuppeteerException error)
        {
            throw new TimeoutException($"never true: {expression}; the page complains: {string.Join("; ", complaints)}", error);
        }
    }

    /// <summary>The value of a JavaScript expression; promises are awaited.</summary>
    public Task<T> EvaluateAsync<T>(string expression) => page.EvaluateExpressionAsync<T>(expression);

    /// <summary>What the page holds once its garbage is gone: bytes of JavaScript, nodes, listeners.</summary>
    public async Task<(double Bytes, double Nodes, double Listeners)> HeldAsync()
    {
        await SettleAsync();
        ICDPSession session = await page.CreateCDPSessionAsync();
        for (int times = 0; times < 3; times++) // what a finaliser lets go of is garbage of the next time
            await session.SendAsync("HeapProfiler.collectGarbage");
        await session.DetachAsync();
        Dictionary<string, decimal> told = await page.MetricsAsync();
        return ((double)told["JSHeapUsedSize"], (double)told["Nodes"], (double)told["JSEventListeners"]);
    }

    /// <summary>An expression: how many canvases show more than one colour.</summary>
    public const string DrawnCanvases =
        """
        [...document.querySelectorAll("canvas")].filter(canvas => {
          const data = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
          return data.some(pixel => pixel !== data[0]);
        }).length
        """;

    /// <summary>What of the page lies right of its window, where nothing can be scrolled; empty where all fits. A page for phones is made wider by it, so that its own width tells nothing.</summary>
    public Task<string> BeyondAsync(int width) => EvaluateAsync<string>(
        $$"""
        [...document.body.querySelectorAll("*")].filter(one => one.checkVisibility() && one.getBoundingClientRect().right > {{width}} + 1 && !one.closest(".table, .hidden"))
          .map(one => `${one.tagName} ${one.id} ${one.className}`).slice(0, 3).join("; ")
        """);

    /// <summary>Chooses files in an input of the page, as a person would.</summary>
    public async Task ChooseFileAsync(string selector, string file) => await (await page.QuerySelectorAsync(selector)).UploadFileAsync(file);

    /// <summary>Presses, with the mouse, the point of a chart that stands for a piece of its data.</summary>
    /// <param name="plot">Selects the plot.</param>
    /// <param name="series">Its series.</param>
    /// <param name="place">Place of the data in the series.</param>
    public async Task PressMarkAsync(string plot, int series, int place)
    {
        await EvaluateAsync<bool>($"(document.querySelector('{plot}').scrollIntoView({{ block: 'center', behavior: 'instant' }}), true)");
        await SettleAsync();
        decimal[] at = await EvaluateAsync<decimal[]>(
            $$"""
            (chart => {
              const box = chart.getDom().getBoundingClientRect(), data = chart.getOption().series[{{series}}].data[{{place}}];
              const [x, y] = chart.convertToPixel({ seriesIndex: {{series}} }, data.slice(0, 2));
              return [box.left + x, box.top + y];
            })(echarts.getInstanceByDom(document.querySelector('{{plot}}')))
            """);
        await page.Mouse.ClickAsync(at[0], at[1]);
    }

    /// <summary>Keeps a picture of the whole page for whoever wants to look: in the folder that OTOMASK_SCREENSHOTS names, else in screenshots/ beside the tests.</summary>
    public async Task KeepScreenshotAsync(string name)
    {
        await EvaluateAsync<bool>("dispatchEvent(new Event('beforeprint'))"); // the whole page, below the window too
        string gallery = Environment.GetEnvironmentVariable("OTOMASK_SCREENSHOTS") is { Length: > 0 } chosen ? chosen : Path.Combine(AppContext.BaseDirectory, "screenshots");
        Directory.CreateDirectory(gallery);
        await page.ScreenshotAsync(Path.Combine(gallery, name + ".png"), new ScreenshotOptions { FullPage = true });
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static ViewPortOptions Viewport(int width) => new() { Width = width, Height = 900, IsMobile = width < 600 };

    private static bool IsLocal(string url) => url.StartsWith("file:", StringComparison.Ordinal) || url.StartsWith("data:", StringComparison.Ordinal) || url.StartsWith("blob:", StringComparison.Ordinal);
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

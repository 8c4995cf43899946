using OtoMask.Tests.App;
using OtoMask.Tests.Distributed;
using OtoMask.Tests.Reports;

namespace OtoMask.Tests.Serve;

/// <summary>The page of the runs in a real browser, with a real training.</summary>
public sealed class RunsPageTests : IDisposable
{
    private const string State = "document.querySelector('#list tbody .state')?.textContent";
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [ChromiumFact]
    public async Task A_run_appears_trains_stops_and_goes_on_while_the_page_is_open()
    {
        string audio = folder.Audio(), served = folder.Place("served");
        int port = Ranks.FreePort();
        using AppProcess server = AppProcess.Start("serve", served, "--port", $"{port}", "--control");
        ServedFolder.Poll($"http://127.0.0.1:{port}/", server);
        await using HeadlessChromium page = await HeadlessChromium.OpenAsync($"http://127.0.0.1:{port}/", 1280);
        await page.WaitForAsync("document.getElementById('live').textContent === 'live' && !document.getElementById('none').hidden");

        using AppProcess training = AppProcess.Start(["pretrain", "--data", audio, "--out", Path.Combine(served, "run"), "--encoder", "16/1/2", "--decoder", "16/1/2", "--input", "80x96", "--batch", "4", "--steps", "5000000",
            "--min-clips", "0", "--checkpoint-every", "1000", "--evaluate-every", "1000"]);
        await page.WaitForAsync($"{State} === 'running'");
        await page.EvaluateAsync<bool>("document.querySelector('#list tbody input').click() ?? true");
        const string Points = "document.querySelector('#curves figure').chart.series[0].points.at(-1)[0]"; // the step that the curve has come to
        await page.WaitForAsync($"document.querySelectorAll('#curves figure:not([hidden]) .plot svg').length >= 5 && {Points} > 30");
        int before = await page.EvaluateAsync<int>(Points);
        await page.WaitForAsync($"{Points} > {before}");   // it grows by itself

        // A chart below the window is drawn when it is looked at, and to be printed.
        const string Last = "[...document.querySelectorAll('#curves figure')].reduce((a, b) => a.getBoundingClientRect().top > b.getBoundingClientRect().top ? a : b)";
        string Drawn(string picture) => $"{Last}.querySelector('svg').outerHTML === {picture}";
        await page.EvaluateAsync<bool>($"(window.seen = {Last}.querySelector('svg').outerHTML, true)");
        int then = await page.EvaluateAsync<int>(Points);
        await page.WaitForAsync($"{Points} > {then}");
        Assert.True(await page.EvaluateAsync<bool>(Drawn("window.seen")));
        await page.EvaluateAsync<bool>($"({Last}.scrollIntoView(), true)");
        await page.WaitForAsync($"!({Drawn("window.seen")})");
        await page.KeepScreenshotAsync("serve-runs");

        await page.EvaluateAsync<bool>("document.querySelector('#list tbody button').click() ?? true");
        await page.WaitForAsync($"{State} === 'stopped'");
        Assert.Equal(143, training.Wait().ExitCode);
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(served, "run", "checkpoints"), "step-*.safetensors"));
        await page.WaitForAsync("document.querySelector('#list tbody button').textContent === 'resume' && !document.querySelector('#list tbody button').disabled");
        await page.EvaluateAsync<bool>("document.querySelector('#list tbody button').click() ?? true");
        await page.WaitForAsync($"{State} === 'running'");

        // What goes on outlives the server; the page says that nobody answers.
        server.Signal("INT");
        Assert.Equal(130, server.Wait().ExitCode);
        await page.WaitForAsync("document.getElementById('live').textContent.includes('does not answer')");
        var run = new OtoMask.Runs.RunFolder(Path.Combine(served, "run"));
        Assert.True(run.IsOccupied);
        using AppProcess again = AppProcess.Start("serve", served, "--port", $"{port}", "--control");
        await page.WaitForAsync($"document.getElementById('live').textContent === 'live' && {State} === 'running' && !document.querySelector('#list tbody button').disabled");
        await page.EvaluateAsync<bool>("document.querySelector('#list tbody button').click() ?? true");
        await page.WaitForAsync($"{State} === 'stopped' || {State} === 'done'");
        Assert.All(page.Complaints, complaint => Assert.Matches("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING", complaint));   // while there was no server
        again.Signal("INT");
        again.Wait();
    }

    [ChromiumFact]
    public async Task Runs_are_compared_found_and_sorted_and_names_of_strangers_are_text()
    {
        const string Evil = "<img src=x onerror=alert(1)>";
        ServedFolder.WriteRun(folder, "a/random", 200, 200);
        ServedFolder.WriteRun(folder, "b/dwm", 120, 200, step: number => LogGlanceTests.Step(number) with { Loss = 2.0 / number });
        ServedFolder.WriteRun(folder, Evil, 150, 200, metrics: null);
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        foreach ((int width, bool dark) in new[] { (1280, false), (390, true) })
        {
            await using HeadlessChromium page = await HeadlessChromium.OpenAsync($"{served.Address}/?run=a/random&run=b/dwm", width, dark);
            await page.WaitForAsync("document.querySelectorAll('#curves figure .plot svg').length >= 5 && document.querySelectorAll('#differences tr').length > 1");
            Assert.Equal(3, await page.EvaluateAsync<int>("document.querySelectorAll('#list tbody tr').length"));
            Assert.Equal(Evil, await page.EvaluateAsync<string>("[...document.querySelectorAll('#list td.name b')].find(name => name.textContent.startsWith('<')).textContent"));
            Assert.Equal(0, await page.EvaluateAsync<int>("document.images.length"));
            Assert.Equal("mask", await page.EvaluateAsync<string>("document.querySelector('#differences tbody th').textContent"));
            Assert.Equal(2, await page.EvaluateAsync<int>("document.querySelector('#curves figure').chart.series.length"));
            Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));

            await page.EvaluateAsync<bool>("[...document.querySelectorAll('#list th button')].find(head => head.textContent === 'progress').click() ?? true");
            Assert.Equal("a/random", await page.EvaluateAsync<string>("document.querySelector('#list td.name b').textContent"));
            await page.EvaluateAsync<bool>("((filter => { filter.value = 'dwm done'; filter.dispatchEvent(new Event('input')); })(document.getElementById('filter'))) ?? true");
            Assert.Equal(0, await page.EvaluateAsync<int>("document.querySelectorAll('#list tbody tr').length"));
            await page.EvaluateAsync<bool>("((filter => { filter.value = 'dwm stopped'; filter.dispatchEvent(new Event('input')); })(document.getElementById('filter'))) ?? true");
            Assert.Equal(1, await page.EvaluateAsync<int>("document.querySelectorAll('#list tbody tr').length"));
            await page.EvaluateAsync<bool>("document.getElementById('log-scale').click() ?? true");
            Assert.True(await page.EvaluateAsync<bool>("document.querySelector('#curves figure').chart.log"));
            await page.EvaluateAsync<bool>("(document.querySelector('#curves a.png').addEventListener('click', event => { if (event.target.href.startsWith('data:')) { event.preventDefault(); window.saved = event.target.href; } }), document.querySelector('#curves a.png').click(), true)");
            await page.WaitForAsync("window.saved?.startsWith('data:image/png')");
            await page.KeepScreenshotAsync($"serve-compare-{width}");
            Assert.Empty(page.Complaints);
        }
    }
}

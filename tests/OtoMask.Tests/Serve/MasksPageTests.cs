using OtoMask.Tests.App;
using OtoMask.Tests.Reports;

namespace OtoMask.Tests.Serve;

/// <summary>The pages of masks and of embeddings in a real browser.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class MasksPageTests : IDisposable
{
    private const string Names = "[...document.querySelectorAll('#tiles .count')].map(count => count.textContent).join('|')";
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [ChromiumFact]
    public async Task A_sound_is_dropped_masked_compared_heard_and_predicted()
    {
        string audio = folder.Audio();
        Assert.Equal(0, AppProcess.Run(["pretrain", "--framework", "msm-mae", "--data", audio, "--out", folder.Inside("run"), .. AppFolder.TinyRun]).ExitCode);
        string evil = folder.Inside("<img src=x onerror=alert(1)>.wav");
        OtoMask.Audio.AudioFile.WriteWav(evil, AppFolder.Sound(5, 7), AppFolder.Rate);
        await using ServedFolder served = await ServedFolder.StartAsync(folder, data: [audio]);
        foreach ((int width, bool dark) in new[] { (1280, false), (390, true) })
        {
            await using HeadlessChromium page = await HeadlessChromium.OpenAsync($"{served.Address}/masks", width, dark);
            await page.WaitForAsync($"document.getElementById('name').textContent === 'clip00.wav' && {Names}.includes('masked')");   // something is shown at once
            await page.ChooseFileAsync("#file", evil);
            await page.WaitForAsync("document.getElementById('name').textContent.startsWith('<img') && document.getElementById('about').textContent.includes('5 × 38 patches')");
            Assert.Equal(0, await page.EvaluateAsync<int>("document.images.length"));
            await page.WaitForAsync($"{Names}.startsWith('133 of 190 masked')");
            Assert.Equal(18, await page.EvaluateAsync<int>(HeadlessChromium.DrawnCanvases));   // the whole and seventeen strategies

            // Sliders answer at once.
            await page.EvaluateAsync<bool>(Set("ratio", "0.5"));
            await page.WaitForAsync($"{Names}.startsWith('95 of 190 masked')");
            await page.EvaluateAsync<bool>(Set("patch", "8x8"));
            await page.WaitForAsync("document.getElementById('about').textContent.includes('10 × 76 patches') && [...document.querySelectorAll('#tiles .count')].some(count => count.textContent.includes('choose a larger patch'))");
            await page.EvaluateAsync<bool>(Set("patch", "16x16"));
            await page.EvaluateAsync<bool>(Set("compare", "random"));
            await page.WaitForAsync($"{Names}.includes('hidden here alone') && !document.getElementById('difference-key').hidden");
            Assert.Equal("", await page.BeyondAsync(width));
            await page.KeepScreenshotAsync($"serve-masks-{width}");

            // With a run, masks are of its inputs, and what it predicts is seen.
            await page.EvaluateAsync<bool>(Set("compare", ""));
            await page.EvaluateAsync<bool>(Set("run", "run"));
            await page.WaitForAsync("document.getElementById('about').textContent.includes('each 6 columns masked by themselves') && document.getElementById('patch').disabled");
            await page.WaitForAsync("[...document.querySelectorAll('#tiles .tile')].every(tile => !tile.querySelectorAll('button')[1].hidden)");
            await page.EvaluateAsync<bool>("document.querySelectorAll('#tiles .tile')[12].querySelectorAll('button')[1].click() ?? true");
            await page.WaitForAsync("!document.getElementById('prediction').hidden && document.getElementById('prediction-title').textContent.endsWith('dwm')");
            await page.SettleAsync();
            Assert.Equal(21, await page.EvaluateAsync<int>(HeadlessChromium.DrawnCanvases));
            await page.EvaluateAsync<bool>("document.querySelectorAll('#prediction button')[2].click() ?? true");
            await page.WaitForAsync("document.querySelectorAll('#prediction button')[2].getAttribute('aria-pressed') === 'true' && !document.querySelector('.cursor').hidden");
            await page.EvaluateAsync<bool>("document.querySelectorAll('#prediction button')[2].click() ?? true");
            await page.WaitForAsync("document.querySelectorAll('#prediction button')[2].getAttribute('aria-pressed') === 'false' && document.querySelector('.cursor').hidden");
            Assert.Equal("", await page.BeyondAsync(width));
            await page.KeepScreenshotAsync($"serve-prediction-{width}");
            await page.EvaluateAsync<bool>(Set("ratio", "0.6"));
            await page.WaitForAsync("document.getElementById('prediction').hidden");   // it was of another mask
            Assert.All(page.Complaints, complaint => Assert.Contains("readback", complaint));   // of this test, which reads the canvases
        }
    }

    [ChromiumFact]
    public async Task A_microphone_is_heard_and_a_made_up_sound_is_there_where_nothing_else_is()
    {
        await using ServedFolder served = await ServedFolder.StartAsync(folder);
        await using HeadlessChromium page = await HeadlessChromium.OpenAsync($"{served.Address}/masks", 1280);
        await page.WaitForAsync("document.getElementById('name').textContent === 'a made-up sound' && document.getElementById('from-set').hidden");
        await page.EvaluateAsync<bool>("document.getElementById('record').click() ?? true");
        await page.WaitForAsync("document.getElementById('record').textContent === 'Stop recording'");
        await Task.Delay(1500);
        await page.EvaluateAsync<bool>("document.getElementById('record').click() ?? true");
        await page.WaitForAsync("document.getElementById('name').textContent === 'recording'");
        Assert.True(await page.EvaluateAsync<double>("Number(document.getElementById('about').textContent.split(' ')[0])") > 0.5);
        await page.ChooseFileAsync("#file", folder.Text("words.wav", "no sound"));
        await page.WaitForAsync("!document.getElementById('refused').hidden && document.getElementById('refused').textContent.includes('words.wav is not shown')");
        Assert.All(page.Complaints, complaint => Assert.Contains("409", complaint));   // the browser's own line about what was refused
    }

    [ChromiumFact]
    public async Task Clips_are_mapped_heard_and_told_from_each_other()
    {
        string audio = folder.Audio(clips: 24);
        Assert.Equal(0, AppProcess.Run(["pretrain", "--data", audio, "--out", folder.Inside("run"), .. AppFolder.TinyRun]).ExitCode);
        string task = folder.Text("kinds.csv", "file_name,label,split\n" + string.Concat(Enumerable.Range(0, 24).Select(i => $"audio/clip{i:D2}.wav,{(i % 2 == 0 ? "<b>sweep" : "noise")},{(i < 12 ? "train" : "test")}\n")));
        await using ServedFolder served = await ServedFolder.StartAsync(folder, data: [task]);
        foreach ((int width, bool dark) in new[] { (1280, true), (390, false) })
        {
            await using HeadlessChromium page = await HeadlessChromium.OpenAsync($"{served.Address}/embeddings?run=run&set=kinds", width, dark);
            await page.EvaluateAsync<bool>("document.getElementById('make').click() ?? true");
            await page.WaitForAsync("document.getElementById('points').chart?.series.length === 2 && document.getElementById('about').textContent.includes('a linear probe tells')");
            Assert.Equal(24, await page.EvaluateAsync<int>("document.getElementById('points').chart.series.flatMap(({ points }) => points).length"));
            await page.EvaluateAsync<bool>(Set("arrangement", "umap"));
            await page.WaitForAsync("document.getElementById('points').chart.xLabel === 'UMAP'");
            await page.EvaluateAsync<bool>(Set("which", "test"));
            await page.WaitForAsync("document.getElementById('points').chart.series.flatMap(({ points }) => points).length === 12");
            await page.EvaluateAsync<bool>(Set("which", "all"));

            // By the keyboard: the clips are a list, too.
            await page.EvaluateAsync<bool>("document.getElementById('clips-title').click() ?? true");
            await page.WaitForAsync("document.querySelectorAll('#clips li button').length === 24");
            await page.EvaluateAsync<bool>("document.querySelector('#clips li button').click() ?? true");
            await page.WaitForAsync("document.querySelector('#clip h2').textContent.startsWith('audio/') && document.querySelectorAll('#clip tbody tr').length === 8");
            if (width == 1280)
                await PressAsync(page);
            Assert.Equal("", await page.BeyondAsync(width));
            await page.KeepScreenshotAsync($"serve-map-{width}");
            Assert.Empty(page.Complaints);
        }
    }

    /// <summary>A press on a mark plays its clip and tells what lies near; one on a cell lists its clips.</summary>
    private static async Task PressAsync(HeadlessChromium page)
    {
        await page.PressMarkAsync("#points .plot", 0, 2);
        await page.WaitForAsync("!document.getElementById('clip').hidden && document.querySelectorAll('#clip tbody tr').length === 8");
        Assert.Equal(8, await page.EvaluateAsync<int>("document.getElementById('points').chart.near.length"));
        int chosen = await page.EvaluateAsync<int>("document.getElementById('points').chart.chosen");
        await page.EvaluateAsync<bool>("document.querySelector('#clip tbody button').click() ?? true");
        await page.WaitForAsync($"document.getElementById('points').chart.chosen !== {chosen} && document.querySelector('#clip h2 button').getAttribute('aria-pressed') !== null");
        Assert.True(await page.EvaluateAsync<bool>("!document.getElementById('confusions').hidden && document.getElementById('matrix').chart.counts.reduce((sum, count) => sum + count) === 12"));
        await page.PressMarkAsync("#matrix .plot", 0, 0);
        await page.WaitForAsync("document.querySelectorAll('#cell h3').length === 1");
    }

    private static string Set(string id, string value) =>
        $"(input => {{ input.value = '{value}'; input.dispatchEvent(new Event('input')); input.dispatchEvent(new Event('change')); return true; }})(document.getElementById('{id}'))";
}

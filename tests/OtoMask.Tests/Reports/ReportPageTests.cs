using System.Text.RegularExpressions;

namespace OtoMask.Tests.Reports;

/// <summary>The reports in a real browser: they draw, answer the sliders, fit a phone and complain about nothing.</summary>
public sealed class ReportPageTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-reports-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [ChromiumFact]
    public async Task The_gallery_draws_a_spectrogram_and_a_mask_of_each_strategy_for_each_clip()
    {
        await using HeadlessChromium page = await OpenAsync("gallery", SyntheticReports.Gallery());

        Assert.Equal(2 * (1 + SyntheticReports.Strategies.Length), await page.EvaluateAsync<int>(HeadlessChromium.DrawnCanvases));
        Assert.Equal(["100", "500", "1k", "2k", "4k"], (await Texts(page, ".axes .tick.hz")).Distinct());
        Assert.Contains("seconds", await Texts(page, ".axes .unit"));
        Assert.Equal(SyntheticReports.HostileName, (await Texts(page, ".clip h3"))[1]);
        Assert.Empty(page.Complaints);
    }

    [ChromiumFact]
    public async Task The_sliders_change_the_masks()
    {
        await using HeadlessChromium page = await OpenAsync("gallery-sliders", SyntheticReports.Gallery());
        Assert.Equal("133 of 190 masked", await Count(page, 0));
        string[] before = [await Pixels(page, 1), await Pixels(page, 2)];

        await Slide(page, "hint", 4);
        Assert.Equal(before[0], await Pixels(page, 1));
        Assert.NotEqual(before[1], await Pixels(page, 2));

        await Slide(page, "mask", 5);
        Assert.NotEqual(before[0], await Pixels(page, 1));
        Assert.Equal("172 of 190 masked", await Count(page, 0));
        Assert.Equal(["0.90", "0.90"], await Texts(page, ".controls output"));
        Assert.Empty(page.Complaints);
    }

    [ChromiumFact]
    public async Task The_demo_report_draws_its_charts_masks_and_reconstructions()
    {
        await using HeadlessChromium page = await OpenAsync("demo", SyntheticReports.Demo());

        Assert.Equal(4, await page.EvaluateAsync<int>("""[...document.querySelectorAll(".chart svg")].filter(svg => svg.querySelectorAll("path").length > 5).length"""));
        Assert.Equal((3 * 3) + (3 * 3), await page.EvaluateAsync<int>(HeadlessChromium.DrawnCanvases));
        Assert.Equal(3, await page.EvaluateAsync<int>("""document.querySelectorAll("td.better").length"""));
        Assert.Equal(1, await page.EvaluateAsync<int>("""document.querySelectorAll("td.worse").length"""));
        Assert.Empty(page.Complaints);
    }

    [Theory]
    [InlineData(3, "3\\.[0-9]{2}|1[0-9]\\.[0-9]")]
    [InlineData(500, "5[0-9]{2}")]
    [InlineData(70_000, "70,0[0-9]{2}")]
    public void The_run_report_writes_a_speed_as_people_do(double speed, string written) =>
        Assert.Matches($"clips per second<[^0-9]*>({written})<", SyntheticReports.Run(speed));

    [ChromiumFact]
    public async Task The_run_report_draws_a_chart_for_each_family_of_numbers()
    {
        await using HeadlessChromium page = await OpenAsync("run", SyntheticReports.Run());

        Assert.Equal(
            ["Loss", "Learning rate", "Hint ratio", "Gradient norm", "How much the target network takes over", "RankMe", "CEV-AUC", "k-NN accuracy", "Clips per second", "Time spent waiting for data"],
            await page.EvaluateAsync<string[]>("""[...document.querySelectorAll(".chart figcaption")].map(caption => caption.firstChild.textContent)"""));
        Assert.Equal(10, await page.EvaluateAsync<int>("""document.querySelectorAll(".chart svg").length"""));
        Assert.Empty(page.Complaints);
    }

    [ChromiumFact]
    public async Task A_chart_without_room_waits_for_it()
    {
        await using HeadlessChromium page = await OpenAsync("run-narrow", SyntheticReports.Run(), width: 1);
        const string Curves = """document.querySelectorAll(".chart svg path").length""";
        Assert.Equal(0, await page.EvaluateAsync<int>(Curves));
        Assert.Empty(page.Complaints);

        await page.ResizeAsync(1280);
        Assert.True(await page.EvaluateAsync<int>(Curves) > 10);
        Assert.Empty(page.Complaints);
    }

    [ChromiumFact]
    public async Task Every_page_fits_a_phone_and_both_faces()
    {
        foreach ((string name, string html) in Pages())
        {
            await using HeadlessChromium page = await OpenAsync(name + "-phone", html, width: 400, dark: true);
            Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= 400, $"{name} is wider than a phone");
            string dark = await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
            await page.EvaluateAsync<bool>("document.getElementById('theme').click() ?? true");
            await page.SettleAsync();
            Assert.NotEqual(dark, await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
            Assert.Empty(page.Complaints);
        }
    }

    [Fact]
    public void Every_page_names_nothing_outside_itself_and_keeps_strangers_text_text()
    {
        foreach ((_, string html) in Pages())
        {
            Assert.DoesNotMatch(new Regex("""(src|href)\s*=\s*["'](https?:)?//""", RegexOptions.IgnoreCase), html);
            Assert.DoesNotMatch(new Regex("""@import|url\(["']?http""", RegexOptions.IgnoreCase), html);
            Assert.DoesNotContain("<img src=x", html);
            Assert.DoesNotContain("<b>not markup</b>", html);
        }
    }

    private static IEnumerable<(string Name, string Html)> Pages() =>
        [("gallery", SyntheticReports.Gallery()), ("demo", SyntheticReports.Demo()), ("run", SyntheticReports.Run())];

    private async Task<HeadlessChromium> OpenAsync(string name, string html, int width = 1280, bool dark = false)
    {
        string file = Path.Combine(folder, name + ".html");
        AtomicFile.WriteAllText(file, html);
        HeadlessChromium page = await HeadlessChromium.OpenAsync(file, width, dark);
        await page.KeepScreenshotAsync(name + (dark ? "-dark" : ""));
        return page;
    }

    private static Task<string[]> Texts(HeadlessChromium page, string selector) =>
        page.EvaluateAsync<string[]>($"[...document.querySelectorAll('{selector}')].map(element => element.textContent || element.value)");

    private static Task<string> Pixels(HeadlessChromium page, int canvas) =>
        page.EvaluateAsync<string>($"document.querySelectorAll('canvas')[{canvas}].toDataURL()");

    private static async Task<string> Count(HeadlessChromium page, int tile) => (await Texts(page, ".tile .count"))[tile];

    private static Task Slide(HeadlessChromium page, string slider, int step) => page.EvaluateAsync<bool>(
        $"(s => {{ s.value = {step}; return s.dispatchEvent(new Event('input')); }})(document.querySelector('[data-slider={slider}]'))");
}

using System.Text.RegularExpressions;
using OtoMask.App.Reports;
using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.Tests.Reports;

/// <summary>The page of a study in a real browser.</summary>
public sealed class StudyReportTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-study-page-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [ChromiumFact]
    public async Task Every_chart_is_drawn_and_nothing_is_complained_about()
    {
        using var study = new SyntheticStudy();
        await using HeadlessChromium page = await OpenAsync(study);

        Assert.Equal(
            StudyVerdict.Of(StudyResults.Read(study.Folder)).Select(verdict => verdict.Answer),
            await page.EvaluateAsync<string[]>("[...document.querySelectorAll('.answer')].map(answer => answer.textContent)"));
        // Two frameworks, each: 3 of scores, 2 of differences, cost, loss, 3 metrics, 3 maps, dispersion; and one confusion matrix.
        Assert.Equal(2 * (3 + 2 + 1 + 4 + 3 + 1) + 1, await page.EvaluateAsync<int>("""[...document.querySelectorAll(".chart svg")].filter(svg => svg.querySelectorAll("path, rect").length > 5).length"""));
        Assert.Equal(3 * (1 + 3), await page.EvaluateAsync<int>(HeadlessChromium.DrawnCanvases));
        Assert.Equal(
            ["The answer", "Scores", "Differences", "Cost", "Training", "Masks", "Where they mask", "Confusions", "All numbers", "How to read this", "Configuration", "Data and machine"],
            await page.EvaluateAsync<string[]>("[...document.querySelectorAll('#contents a')].map(link => link.textContent)"));
        Assert.Equal(0, await page.EvaluateAsync<int>("document.querySelectorAll('.callout.bad').length"));
        Assert.Empty(page.Complaints);
    }

    [ChromiumFact]
    public async Task An_arm_has_the_same_colour_on_every_chart()
    {
        using var study = new SyntheticStudy();
        await using HeadlessChromium page = await OpenAsync(study);
        string[] colours = await page.EvaluateAsync<string[]>(
            """
            [...new Set([...document.querySelectorAll(".chart svg")].flatMap(svg => {
              const label = [...svg.querySelectorAll("text")].find(text => text.textContent === "dwm");
              const icons = [...svg.querySelectorAll("path[fill]:not([fill=none]):not([fill=transparent]), path[stroke]")];
              if (!label) return [];
              const at = label.getBoundingClientRect();
              const icon = icons.filter(path => { const box = path.getBoundingClientRect(); return box.right <= at.left + 1 && box.right > at.left - 12 && Math.abs(box.top + box.bottom - at.top - at.bottom) < 8; })
                .map(path => path.getAttribute("stroke") ?? path.getAttribute("fill"));
              return icon.slice(-1);
            }))]
            """);
        Assert.Single(colours);
    }

    [ChromiumFact]
    public async Task The_sliders_and_lists_change_what_is_shown()
    {
        using var study = new SyntheticStudy();
        await using HeadlessChromium page = await OpenAsync(study);

        const string DwmTile = "document.querySelectorAll('.clip')[0].querySelectorAll('.tile canvas')[2].toDataURL()";
        string atEnd = await page.EvaluateAsync<string>(DwmTile);
        await Choose(page, "[data-slider=progress]", 0);
        Assert.NotEqual(atEnd, await page.EvaluateAsync<string>(DwmTile));
        Assert.Equal("0 %", await page.EvaluateAsync<string>("document.querySelector('[data-slider=progress]').previousElementSibling.value"));
        string ofFirst = await page.EvaluateAsync<string>("document.querySelector('.tile .count').textContent");
        Assert.Equal("60 of 80 masked", ofFirst);
        await Choose(page, "[data-slider=framework]", 1);
        Assert.Equal("56 of 80 masked", await page.EvaluateAsync<string>("document.querySelector('.tile .count').textContent"));

        const string DwmMap = "document.querySelectorAll('.maps')[0].querySelectorAll('svg')[2].outerHTML";
        string informed = await page.EvaluateAsync<string>(DwmMap);
        await Choose(page, "[data-choice=progress]", 0);
        Assert.NotEqual(informed, await page.EvaluateAsync<string>(DwmMap));

        const string Matrix = "[...document.querySelectorAll('#confusions svg text')].map(text => text.textContent).join()";
        Assert.Contains("kick", await page.EvaluateAsync<string>(Matrix));
        await Choose(page, "[data-choice=task]", 1);
        Assert.DoesNotContain("kick", await page.EvaluateAsync<string>(Matrix));
        Assert.Contains("70", await page.EvaluateAsync<string>(Matrix));
        Assert.Empty(page.Complaints);
    }

    [ChromiumFact]
    public async Task Every_number_is_saved_as_csv()
    {
        using var study = new SyntheticStudy();
        await using HeadlessChromium page = await OpenAsync(study);

        Dictionary<string, string[]> saved = [];
        foreach (string[] file in await page.EvaluateAsync<string[][]>(
            """
            [...document.querySelectorAll("a.download")].map(link => {
              link.addEventListener("click", event => event.preventDefault());
              link.click();
              return [link.download, decodeURIComponent(link.href.split(",").slice(1).join(","))];
            })
            """))
            saved.Add(file[0], file[1].TrimEnd('\n').Split('\n'));

        Assert.Equal(2 * (3 + 2 + 1 + 4 + 3 + 1) + 1 + 3, saved.Count);
        Assert.Equal(1 + 2 * 6 * 3 * 4 * 4, saved["all-scores.csv"].Length);

        StudyResults results = StudyResults.Read(study.Folder);
        SeedEstimate gain = results.Frameworks[0]["dwm"].Linear.ToBaseline[results.Overall]!;
        string line = Assert.Single(saved["msm-mae-families-and-overall-difference.csv"], line => line.StartsWith("overall,dwm,"));
        double[] numbers = [.. line.Split(',')[2..].Select(number => double.Parse(number, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(gain.Mean, numbers[0], tolerance: 1e-3);
        Assert.Equal(gain.Interval!.Value.Low, numbers[1], tolerance: 1e-3);
        Assert.Equal(gain.Interval!.Value.High, numbers[2], tolerance: 1e-3);
        Assert.Equal("dwm,1.1,", Assert.Single(saved["msm-mae-accuracy-against-cost.csv"], line => line.StartsWith("dwm,"))[..8]);
        Assert.Contains("kick,kick,63", saved["confusions.csv"]);
        Assert.Contains("kick,snare,27", saved["confusions.csv"]);
        Assert.Contains(saved["msm-mae-loss.csv"], line => line.StartsWith("dwm,seed 2,"));
    }

    [ChromiumFact]
    public async Task It_fits_every_width_and_both_faces()
    {
        using var study = new SyntheticStudy();
        foreach ((int width, bool dark) in new[] { (390, false), (390, true), (1400, true) })
        {
            await using HeadlessChromium page = await OpenAsync(study, width, dark);
            Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= width, $"wider than {width} px");
            Assert.Equal(0, await page.EvaluateAsync<int>("""[...document.querySelectorAll(".chart")].filter(chart => chart.scrollWidth > chart.clientWidth + 1).length"""));
            Assert.Empty(page.Complaints);
        }
    }

    [Fact]
    public void A_page_of_an_unfinished_study_says_what_is_missing()
    {
        using var study = new SyntheticStudy(isComplete: false);
        StudyRow ofAnother = JsonLines.Read<StudyRow>(study.Folder.Rows)[0] with { Arm = "not in this study" };
        JsonLines.Append(study.Folder.Rows, [ofAnother]);
        string html = StudyReport.Build(StudyContents.Read(study.Folder));
        Assert.Contains("30 of 36 runs were probed", html);
        Assert.Contains("m2d, dwm: seed 3", html);
        Assert.Contains("Left out: 1 row of an arm", html);
    }

    [Fact]
    public void A_study_of_which_nothing_is_known_yet_has_a_page_too()
    {
        using var study = new SyntheticStudy();
        foreach (string file in (string[])[study.Folder.Rows, study.Folder.Costs, study.Folder.Confusions, study.Folder.Masks, study.Folder.Provenance])
            File.Delete(file);
        Directory.Delete(Path.Combine(study.Folder.Path, "runs"), recursive: true);
        Assert.Contains("0 of 36 runs were probed", StudyReport.Build(StudyContents.Read(study.Folder)));
    }

    [Fact]
    public void It_names_nothing_outside_itself_and_keeps_strangers_text_text()
    {
        using var study = new SyntheticStudy();
        string html = StudyReport.Build(StudyContents.Read(study.Folder));
        Assert.DoesNotMatch(new Regex("""(src|href)\s*=\s*["'](https?:)?//""", RegexOptions.IgnoreCase), html);
        Assert.DoesNotContain("<img src=x", html);
    }

    private async Task<HeadlessChromium> OpenAsync(SyntheticStudy study, int width = 1280, bool dark = false)
    {
        string html = StudyReport.Build(StudyContents.Read(study.Folder));
        string file = Path.Combine(folder, "study.html");
        AtomicFile.WriteAllText(file, html);
        HeadlessChromium page = await HeadlessChromium.OpenAsync(file, width, dark);
        await page.KeepScreenshotAsync($"study-{width}{(dark ? "-dark" : "")}");
        return page;
    }

    private static Task Choose(HeadlessChromium page, string control, int step) => page.EvaluateAsync<bool>(
        $"(c => {{ c.value = {step}; return c.dispatchEvent(new Event('input')); }})(document.querySelector('{control}'))");
}

using OtoMask.Tests.App;

namespace OtoMask.Tests.Reports;

/// <summary>Two real runs and a probe of each, side by side in a real browser.</summary>
public sealed class CompareReportTests : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [ChromiumFact]
    public async Task Runs_and_probes_are_side_by_side()
    {
        string audio = folder.Audio(clips: 24);
        string task = folder.Text("audio.csv", "file_name,label,split\n" + string.Concat(Enumerable.Range(0, 24)
            .Select(clip => $"audio/clip{clip:D2}.wav,{(clip % 2 == 0 ? "sweep" : "noise")},{(clip < 16 ? "train" : "test")}\n")));
        foreach (string mask in (string[])["random", "dwm"])
        {
            Ok(AppProcess.Run(["pretrain", "--data", audio, "--mask", mask, "--seed", "7", "--out", folder.Inside(mask), .. AppFolder.TinyRun]));
            Ok(AppProcess.Run("probe", folder.Inside(mask), "--task", task, "--mode", "tuned", "--seeds", "1,2", "--out", folder.Inside(mask + ".json")));
        }
        string file = folder.Inside("compare.html");
        Assert.Contains("2 runs", Ok(AppProcess.Run(
            "compare", folder.Inside("random"), folder.Inside("dwm") + "/", "--probe", folder.Inside("random.json"), folder.Inside("dwm.json"), "--out", file)).Output);

        await using HeadlessChromium page = await HeadlessChromium.OpenAsync(file, 390);
        await page.KeepScreenshotAsync("compare");
        Assert.Equal(["mask"], await page.EvaluateAsync<string[]>("[...document.querySelectorAll('#differences tbody code')].map(code => code.textContent)"));
        Assert.Equal(["random", "dwm"], await page.EvaluateAsync<string[]>("[...document.querySelectorAll('#differences tbody td')].map(cell => cell.textContent)"));
        Assert.Equal(
            ["Loss", "RankMe", "CEV-AUC", "Gradient norm", "Learning rate", "Hint ratio", "Clips per second", "Probes"],
            await page.EvaluateAsync<string[]>("[...document.querySelectorAll('.chart figcaption')].map(caption => caption.firstChild.textContent)"));
        Assert.Equal(8, await page.EvaluateAsync<int>("document.querySelectorAll('.chart svg').length"));
        // Both files have the same baselines: four encoders, not six.
        Assert.Equal(4, await page.EvaluateAsync<int>("document.querySelectorAll('#probes tbody tr').length"));
        Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth") <= 390, "wider than a phone");
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public void A_mistake_is_one_line()
    {
        AppProcess.Run("compare", folder.Path).AssertUserError(folder.Path, "config.yaml");
        string run = Directory.CreateDirectory(folder.Inside("run")).FullName;
        File.WriteAllText(Path.Combine(run, "config.yaml"), "mask: dwm\n");
        AppProcess.Run("compare", run).AssertUserError("log.jsonl");
        File.WriteAllText(Path.Combine(run, "log.jsonl"), "");
        AppProcess.Run("compare", run, run).AssertUserError("2 times");
        AppProcess.Run("compare", run, "--probe", folder.Text("no.json", "{\"task\": 3}")).AssertUserError("no.json", "otomask probe");
    }

    private static AppResult Ok(AppResult result)
    {
        Assert.True(result.ExitCode == 0, result.Error + result.Output);
        return result;
    }
}

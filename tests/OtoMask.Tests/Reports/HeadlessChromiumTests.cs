namespace OtoMask.Tests.Reports;

/// <summary>The browser that judges the reports: it must not keep silent about a page that is broken.</summary>
public sealed class HeadlessChromiumTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-pages-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [ChromiumFact]
    public async Task Whatever_goes_wrong_on_a_page_is_a_complaint()
    {
        await using HeadlessChromium page = await OpenAsync("""
            <p>broken</p>
            <script>console.error("an error"); console.warn("a warning"); console.assert(false, "an assertion"); console.log("no complaint");</script>
            <script>throw new Error("not caught");</script>
            <script>Promise.reject(new Error("not awaited"));</script>
            <script>fetch("http://127.0.0.1:9/elsewhere").catch(() => {});</script>
            <img src="http://127.0.0.1:9/picture.png">
            """);
        foreach (string expected in (string[])["an error", "a warning", "an assertion", "not caught", "not awaited", "/elsewhere", "/picture.png"])
            Assert.Contains(page.Complaints, complaint => complaint.Contains(expected));
        Assert.DoesNotContain(page.Complaints, complaint => complaint.Contains("no complaint"));
    }

    [ChromiumFact]
    public async Task A_whole_page_raises_no_complaint_and_answers()
    {
        await using HeadlessChromium page = await OpenAsync("""<canvas width=2 height=1></canvas><script>document.querySelector("canvas").getContext("2d").fillRect(0, 0, 1, 1)</script>""");
        Assert.Empty(page.Complaints);
        Assert.Equal(1, await page.EvaluateAsync<int>(HeadlessChromium.DrawnCanvases));
        Assert.Equal(["file:", "later"], await page.EvaluateAsync<string[]>("Promise.resolve([location.protocol, 'later'])"));
        Assert.Equal((800, 900, 1), (await page.EvaluateAsync<int>("innerWidth"), await page.EvaluateAsync<int>("innerHeight"), await page.EvaluateAsync<int>("devicePixelRatio")));
    }

    private Task<HeadlessChromium> OpenAsync(string html)
    {
        string file = Path.Combine(folder, "page.html");
        File.WriteAllText(file, "<!doctype html><meta charset=utf-8>" + html);
        return HeadlessChromium.OpenAsync(file, 800);
    }
}

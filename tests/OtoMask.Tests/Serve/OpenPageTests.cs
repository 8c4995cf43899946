using System.Globalization;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Reports;
using Xunit.Abstractions;

namespace OtoMask.Tests.Serve;

/// <summary>
/// What a page keeps that stays open, in a minute: looks in quick succession stand for slow ones, 3,000 for fifty minutes.
/// OTOMASK_LOOKS=86400 makes it a day's, and then, when no other test is at work, holds the server's memory, too.
/// </summary>
public sealed class OpenPageTests(ITestOutputHelper output) : IDisposable
{
    private readonly AppFolder folder = new();

    public void Dispose() => folder.Dispose();

    [ChromiumFact]
    public async Task A_page_that_stays_open_keeps_nothing_of_what_it_was_told()
    {
        bool isDay = int.TryParse(Environment.GetEnvironmentVariable("OTOMASK_LOOKS"), CultureInfo.InvariantCulture, out int looks);
        looks = isDay ? looks : 3000;
        int step = looks / 3;
        RunFolder run = ServedFolder.WriteRun(folder, "run", step, 1_000_000_000, metrics: null);
        await using ServedFolder served = await ServedFolder.StartAsync(folder, betweenLooks: TimeSpan.FromMilliseconds(2));
        await using HeadlessChromium page = await HeadlessChromium.OpenAsync($"{served.Address}/?run=run", 1280);
        await using StreamWriter log = new(run.Log, append: true) { AutoFlush = true };

        // A curve has as many points after twice as many steps: there, what is held can be compared, once everything has been drawn so often that the engine has compiled it.
        await TrainAsync(2 * step);
        await page.EvaluateAsync<bool>("(async () => { for (let i = 0; i < 100; i++) { document.getElementById('log-scale').click(); await new Promise(requestAnimationFrame); } return true; })()");
        (double bytes, double nodes, double listeners) = await HeldAsync();
        long server = GC.GetTotalMemory(forceFullCollection: true);
        await TrainAsync(2 * step);
        (double bytesLater, double nodesLater, double listenersLater) = await HeldAsync();
        long serverLater = GC.GetTotalMemory(forceFullCollection: true);

        output.WriteLine($"{looks} looks: JavaScript {bytes / 1e6:F2} to {bytesLater / 1e6:F2} MB, nodes {nodes} to {nodesLater}, listeners {listeners} to {listenersLater}, server {server / 1e6:F2} to {serverLater / 1e6:F2} MB");
        // What the browser still compiles, some 0.6 MB, and a little a look: a day's looks were 1.5 MB. To keep what it was told would be 500 bytes a look.
        Assert.InRange(bytesLater - bytes, double.NegativeInfinity, 1e6 + 30 * looks);
        Assert.InRange(nodesLater, 0, nodes + 50);
        Assert.InRange(listenersLater, 0, listeners + 5);
        if (isDay)
            Assert.InRange(serverLater - server, long.MinValue, 2_000_000);
        Assert.Empty(page.Complaints);

        async Task TrainAsync(int until)
        {
            while (step < until)
            {
                long look = served.Book.Since(long.MaxValue).Look;
                step++;
                log.WriteLine(LogGlanceTests.Step(step).ToJson());
                if (step % 50 == 0)
                    log.WriteLine(new EvaluationRecord(step, 0, "rankme", step % 7).ToJson());
                while (served.Book.Since(long.MaxValue).Look == look)
                    await Task.Delay(1);
            }
        }

        async Task<(double, double, double)> HeldAsync()
        {
            const string Steps = "Number(document.querySelector('#list progress + small').textContent.split(' of ')[0].replaceAll(/[^0-9]/g, ''))";
            await page.WaitForAsync($"{Steps} === {step}");
            await Task.Delay(TimeSpan.FromSeconds(1)); // the last redrawing
            return await page.HeldAsync();
        }
    }
}

using OtoMask.App.Reports;

namespace OtoMask.App.Serve.Watching;

/// <summary>The page of the runs below a folder: the list of them all, and the curves of those that are chosen, while they grow.</summary>
internal static class RunsPage
{
    /// <summary>The whole page, with the list as of the last look; what comes after that the server tells.</summary>
    /// <param name="lines">The list.</param>
    /// <param name="mostChosen">How many runs may be chosen at once.</param>
    /// <param name="mayControl">Whether runs may be stopped and resumed from here.</param>
    public static string Build(IReadOnlyList<RunLine> lines, int mostChosen, bool mayControl)
    {
        HtmlPage page = ServedPage.Begin("Runs", Html.Of($"Pre-trainings, fine-tunings and studies below this folder, found as they appear. Choose some to see and compare their curves."));
        page.Use("echarts.min.js", "charts.js", "serve-runs.js");
        (string id, Html block) = page.Data(new { Lines = lines, MostChosen = mostChosen, MayControl = mayControl });
        page.Add(Html.Of(
            $"""
            <div id="runs" data-runs="{id}">{block}
            <div class="controls">
            <label>Filter <output></output><input type="search" id="filter" placeholder="name, framework, mask, state" autocomplete="off"></label>
            <label>Smoothing <output id="smoothing-told"></output><input type="range" id="smoothing" min="0" max="50" value="10" autocomplete="off"></label>
            <label class="check"><input type="checkbox" id="log-scale" autocomplete="off"> losses on a log scale</label>
            <span id="live" class="live" role="status">connecting</span>
            </div>
            {ServedPage.Refusals("shows the runs")}
            <div class="table"><table id="list">
            <thead><tr><th><span class="hidden">choose</span></th><th data-key="id">run</th><th data-key="state">state</th><th data-key="share">progress</th>
            <th data-key="secondsLeft" class="number">left</th><th data-key="speed" class="number">clips/s</th><th data-key="loss" class="number">loss</th>
            <th data-key="rankMe" class="number">RankMe</th><th data-key="knn" class="number">k-NN %</th><th data-key="hint" class="number">hint</th><th data-key="changed">changed</th></tr></thead>
            <tbody></tbody></table></div>
            <p id="none" class="note" hidden>Nothing here yet. A run appears as soon as <code>otomask pretrain --out</code> makes its folder below this one.</p>
            <section id="chosen" hidden><h2>Chosen runs</h2>
            <p id="told" class="note" role="status"></p>
            <div id="notes"></div>
            <details><summary id="differences-title"></summary><div id="differences"></div></details>
            <div class="charts" id="curves"></div>
            </section>
            </div>
            """));
        return page.Render();
    }
}

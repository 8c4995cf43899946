using OtoMask.App.Reports;
using OtoMask.App.Serve.Listening;
using OtoMask.App.Serve.Watching;

namespace OtoMask.App.Serve.Mapping;

/// <summary>The page of embeddings: where an encoder puts the clips of a set, in two dimensions.</summary>
internal static class MapPage
{
    /// <summary>The whole page; maps come as they are asked for.</summary>
    /// <param name="lines">The list of runs.</param>
    /// <param name="sets">The recordings to choose from.</param>
    public static string Build(IReadOnlyList<RunLine> lines, IReadOnlyList<SoundSet> sets)
    {
        HtmlPage page = ServedPage.Begin("Embeddings", Html.Of($"Where a run's encoder puts recordings. Clips that it takes to be alike lie together; press one to hear it."));
        page.Use("echarts.min.js", "charts.js", "charts-heatmap.js", "serve-map.js");
        (string id, Html block) = page.Data(new { Runs = lines.Where(line => line.Kind != "study").Select(line => new { line.Id, line.Name, line.What }), Sets = sets.Select(set => new { set.Name, set.IsTask }) });
        page.Add(Html.Of(
            $"""
            <div id="map" data-map="{id}">{block}
            {ServedPage.Refusals("draws the map")}
            <p id="nothing" class="callout" hidden></p>
            <div class="controls" id="choices">
            <label>Encoder of <output></output><select id="run" autocomplete="off"></select></label>
            <label>Recordings <output></output><select id="set" autocomplete="off"></select></label>
            <label class="check"><input type="checkbox" id="untrained" autocomplete="off"> as it was before training</label>
            <span class="buttons"><button type="button" class="small" id="make">Make the map</button></span>
            <span id="progress" role="status"></span>
            </div>
            <div class="controls" id="looks" hidden>
            <label>Arrangement <output></output><select id="arrangement" autocomplete="off"><option value="pca">principal directions (PCA)</option><option value="umap">neighbours (UMAP)</option></select></label>
            <label>Show <output></output><select id="which" autocomplete="off"><option value="all">all clips</option><option value="test">test clips</option><option value="wrong">test clips that the probe gets wrong</option></select></label>
            <label>Only those of <output></output><select id="label" autocomplete="off"></select></label>
            <label>Name <output></output><input type="search" id="find" placeholder="part of a name" autocomplete="off"></label>
            </div>
            <div id="result" hidden>
            <p id="about" class="note" role="status"></p>
            <div class="charts wide"><figure class="chart" id="points"><figcaption>Map</figcaption><div class="plot"></div></figure></div>
            <details id="clips"><summary id="clips-title"></summary><ul class="clips"></ul></details>
            <section id="clip" hidden><h2></h2><p class="note"></p><div class="table"><table><thead><tr><th>nearest</th><th>label</th><th class="number">cosine</th><th></th></tr></thead><tbody></tbody></table></div></section>
            <section id="confusions" hidden><h2>What is taken for what</h2><p>Rows are true classes, columns what a linear probe said of the test clips. Press a cell to hear its clips.</p>
            <div class="charts wide"><figure class="chart" id="matrix"><figcaption>Confusions</figcaption><div class="plot"></div></figure></div>
            <details id="mistakes"><summary id="mistakes-title"></summary><ul class="clips"></ul></details>
            <div id="cell" role="status"></div></section>
            </div>
            </div>
            """));
        return page.Render();
    }
}

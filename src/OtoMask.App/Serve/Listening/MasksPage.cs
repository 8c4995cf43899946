using OtoMask.App.Reports;
using OtoMask.App.Serve.Watching;
using OtoMask.Masking;

namespace OtoMask.App.Serve.Listening;

/// <summary>The page of masks: a sound, what every strategy hides of it, and how the rest sounds.</summary>
internal static class MasksPage
{
    private static readonly string[] Patches = ["16x16", "16x8", "16x4", "8x16", "8x8", "20x8", "40x8", "80x4", "80x2"];

    /// <summary>The whole page; sounds and masks come as they are asked for.</summary>
    /// <param name="lines">The list of runs.</param>
    /// <param name="sets">The recordings to choose from.</param>
    public static string Build(IReadOnlyList<RunLine> lines, IReadOnlyList<SoundSet> sets)
    {
        HtmlPage page = ServedPage.Begin("Masks", Html.Of(
            $"What every masking strategy hides of a sound, to see and to hear. Grey patches are hidden, coloured ones are what the encoder sees."));
        page.Use("gallery.css", "spectrogram.js", "serve-masks.js");
        (string id, Html block) = page.Data(new
        {
            SoundShelf.MostBytes,
            Sets = sets.Select(set => set.Name),
            Runs = lines.Where(line => line.Kind == "pre-training").Select(line => new { line.Id, line.Name, line.What }),
            Strategies = KnownMaskings.All.Select(masking => new { masking.Name, masking.Summary, Reads = masking.DependsOn, Hint = masking.Hint.ToString() }),
        });
        page.Add(Html.Of(
            $"""
            <div id="masks" data-masks="{id}">{block}
            {ServedPage.Refusals("shows sounds and masks")}
            <div class="controls" id="sources">
            <label class="drop" id="drop">Drop a sound here, or choose one <output></output><input type="file" id="file" accept="audio/*,video/*,.wav,.flac,.ogg,.opus,.mp3,.m4a"></label>
            <label id="from-set">From the recordings <output id="matches"></output><select id="set" autocomplete="off" aria-label="set of recordings"></select>
            <input type="search" id="find" list="names" placeholder="name of a clip" autocomplete="off"><datalist id="names"></datalist></label>
            <span class="buttons"><button type="button" class="small" id="record" aria-pressed="false">Record</button> <button type="button" class="small" id="made-up">A made-up sound</button></span>
            </div>
            <div class="controls" id="settings">
            <label>Mask ratio <output></output><input type="range" id="ratio" min="0.05" max="0.95" step="0.05" value="0.7" autocomplete="off"></label>
            <label>Hint ratio (1 = as random) <output></output><input type="range" id="hint" min="0" max="1" step="0.05" value="0" autocomplete="off"></label>
            <label>Seed <output></output><input type="range" id="seed" min="1" max="100" step="1" value="42" autocomplete="off"></label>
            <label id="from-label">From second <output></output><input type="range" id="from" min="0" max="0" step="0.1" value="0" autocomplete="off"></label>
            <label>Patch, bands x frames <output></output><select id="patch" autocomplete="off">{Html.Each(Patches, patch => Html.Of($"""<option>{patch}</option>"""))}</select></label>
            <label>Features of <output></output><select id="run" autocomplete="off"><option value="">the patches themselves</option></select></label>
            <label>Compare with <output></output><select id="compare" autocomplete="off"><option value="">nothing</option></select></label>
            <div class="scale">quiet<i></i>loud &ensp;<i class="veil"></i>masked<span id="difference-key" hidden> &ensp;<i class="here"></i>hidden here alone &ensp;<i class="there"></i>hidden there alone</span></div>
            </div>
            <article class="clip"><header><h3 id="name"></h3><span id="about" role="status"></span><span class="buttons" id="hear"></span></header><div id="spectrogram"></div></article>
            <section id="prediction" class="trio" hidden><h2 id="prediction-title"></h2><p class="note">The model saw the coloured patches alone. It predicts the pattern of each patch, not its level: every predicted
            patch is shown, and heard, at the mean and deviation of the true one, with phases made up to fit.</p>
            <div class="row"><figure><canvas role="img" aria-label="The original"></canvas><figcaption>original</figcaption></figure>
            <figure><canvas role="img" aria-label="What the encoder saw"></canvas><figcaption>what the encoder saw</figcaption></figure>
            <figure><canvas role="img" aria-label="The reconstruction"></canvas><figcaption>reconstruction</figcaption></figure></div></section>
            <div class="tiles" id="tiles"></div>
            </div>
            """));
        return page.Render();
    }
}

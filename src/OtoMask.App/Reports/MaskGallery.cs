using System.Globalization;
using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.App.Reports;

/// <summary>Which of a clip's masks: the strategy's name and the two ratios it was drawn with.</summary>
/// <param name="Strategy">Name in the catalogue.</param>
/// <param name="MaskRatio">Share of patches masked, in (0, 1).</param>
/// <param name="HintRatio">In [0, 1]; 0 for strategies that have none.</param>
internal readonly record struct MaskKey(string Strategy, double MaskRatio, double HintRatio);

/// <summary>A strategy as the gallery names it.</summary>
/// <param name="Name">Name in the catalogue.</param>
/// <param name="Summary">One line on how the masked set is drawn.</param>
/// <param name="Reads">What the mask depends on besides chance: "nothing", "the input", "the encoder's features".</param>
internal sealed record GalleryStrategy(string Name, string Summary, string Reads);

/// <summary>A clip as a gallery shows it.</summary>
/// <param name="Name">What the clip is called; may come from a file name, so it is escaped.</param>
/// <param name="Seconds">Length of the part shown.</param>
/// <param name="Bands">F, mel bands.</param>
/// <param name="Frames">T, frames; a whole number of patches.</param>
/// <param name="LogMel">[F, T], natural log of power, band 0 lowest.</param>
/// <param name="BandHz">[F], centre of each band in Hz, ascending.</param>
/// <param name="Grid">Patches along frequency and time.</param>
internal sealed record ClipPicture(string Name, double Seconds, int Bands, int Frames, float[] LogMel, double[] BandHz, PatchGrid Grid);

/// <summary>One clip and the masks drawn for it.</summary>
/// <param name="Picture">The clip.</param>
/// <param name="Masks">The masks drawn; where there is none of a hint ratio, the page shows the one of hint ratio 0.</param>
internal sealed record GalleryClip(ClipPicture Picture, IReadOnlyDictionary<MaskKey, PatchMask> Masks);

/// <summary>What the reader of a gallery chooses by: a slider, or a list where the steps have no order.</summary>
/// <param name="Name">Its name for scripts.</param>
/// <param name="Label">What the page calls it.</param>
/// <param name="Steps">What it can be set to.</param>
/// <param name="Start">The step it begins at.</param>
internal sealed record GalleryAxis(string Name, string Label, IReadOnlyList<string> Steps, int Start)
{
    /// <summary>Whether the steps have no order.</summary>
    public bool IsList { get; init; }
}

/// <summary>The page of <c>otomask masks</c>: what every masking strategy hides of every clip, at every ratio drawn.</summary>
internal static class MaskGallery
{
    /// <summary>The whole page.</summary>
    /// <param name="clips">At least one clip.</param>
    /// <param name="strategies">The strategies to show, in this order.</param>
    /// <param name="remarks">Paragraphs under the gallery, such as what stands in for a trained encoder.</param>
    /// <returns>One self-contained HTML page.</returns>
    public static string Build(
        IReadOnlyList<GalleryClip> clips, IReadOnlyList<GalleryStrategy> strategies, IReadOnlyList<string> remarks)
    {
        HtmlPage page = new("What each masking strategy hides", Html.Of(
            $"""
            Masked prediction hides most of a spectrogram and asks the encoder to predict it from the rest. What is hidden decides
            what there is to learn. Grey patches are hidden, coloured ones are what the encoder sees.
            """))
        { Kind = "mask gallery" };
        page.Add(Section(page, clips, strategies));
        if (remarks.Count > 0)
            page.AddSection("remarks", "Remarks", Html.Each(remarks, remark => Html.Of($"""<p class="note">{remark}</p>""")));
        return page.Render();
    }

    /// <summary>The gallery alone, as a part of another page, with sliders for mask ratio and hint ratio.</summary>
    public static Html Section(HtmlPage page, IReadOnlyList<GalleryClip> clips, IReadOnlyList<GalleryStrategy> strategies)
    {
        double[] maskRatios = [.. clips.SelectMany(clip => clip.Masks.Keys).Select(key => key.MaskRatio).Distinct().Order()];
        double[] hintRatios = [.. clips.SelectMany(clip => clip.Masks.Keys).Select(key => key.HintRatio).Distinct().Order()];
        return Section(
            page, [.. clips.Select(clip => clip.Picture)], [.. strategies.Select(strategy => strategy with { Summary = $"{strategy.Summary}. {HintRemark(clips, strategy.Name)}" })],
            new GalleryAxis("mask", "Mask ratio", [.. maskRatios.Select(TwoDigits)], Nearest(maskRatios, 0.7)),
            new GalleryAxis("hint", "Hint ratio (1 = as random)", [.. hintRatios.Select(TwoDigits)], Start: 0),
            (clip, strategy, mask, hint) => clips[clip].Masks.GetValueOrDefault(new(strategy, maskRatios[mask], hintRatios[hint])));
    }

    /// <summary>The gallery alone, with any two things to choose by.</summary>
    /// <param name="page">The page it goes into.</param>
    /// <param name="clips">At least one.</param>
    /// <param name="strategies">A tile each.</param>
    /// <param name="first">The first choice.</param>
    /// <param name="second">The second.</param>
    /// <param name="maskOf">The mask of a clip's number, a strategy's name and a step of each choice; where it is null, the page shows that of step 0 of the second.</param>
    public static Html Section(
        HtmlPage page, IReadOnlyList<ClipPicture> clips, IReadOnlyList<GalleryStrategy> strategies, GalleryAxis first, GalleryAxis second,
        Func<int, string, int, int, PatchMask?> maskOf)
    {
        page.Use("gallery.css", "spectrogram.js", "gallery.js");
        (string id, Html block) = page.Data(new { strategies, Axes = new[] { first, second } });
        return Html.Of(
            $"""
            <div data-gallery="{id}">
            {block}
            <div class="controls">
            {Control(first)}
            {Control(second)}
            <div class="scale">quiet<i></i>loud &ensp;<i class="veil"></i>masked</div>
            </div>
            <noscript><p class="callout">The pictures are drawn by this page's script, which your browser does not run.</p></noscript>
            {Html.Each(clips.Index(), clip => Article(page, clip.Item, strategies, first, second, (strategy, i, j) => maskOf(clip.Index, strategy, i, j)))}
            </div>
            """);
    }

    /// <summary>The mask as a bit string in base64: bit id is 1 where the patch is masked, least significant bit first.</summary>
    public static string Bits(PatchMask mask, PatchGrid grid)
    {
        byte[] bits = new byte[(grid.Count + 7) / 8];
        foreach (int id in mask.Masked)
            bits[id >> 3] |= (byte)(1 << (id & 7));
        return Convert.ToBase64String(bits);
    }

    private static string HintRemark(IReadOnlyList<GalleryClip> clips, string strategy)
    {
        IEnumerable<double> hints = clips.SelectMany(clip => clip.Masks.Keys).Where(key => key.Strategy == strategy && key.HintRatio > 0)
            .Select(key => key.HintRatio).Distinct();
        return hints.ToArray() switch
        {
            [] => "The hint ratio does not change it.",
            [1] => "Only a hint ratio of 1 changes it: random then.",
            _ => "",
        };
    }

    private static Html Control(GalleryAxis axis) => axis.IsList
        ? Html.Of($"""
            <label>{axis.Label} <output hidden></output>
            <select data-slider="{axis.Name}" autocomplete="off">{Html.Each(axis.Steps.Index(), step => Html.Of($"""<option value="{step.Index}">{step.Item}</option>"""))}</select></label>
            """)
        : Html.Of($"""
            <label>{axis.Label} <output></output>
            <input type="range" data-slider="{axis.Name}" min="0" max="{axis.Steps.Count - 1}" step="1" value="{axis.Start}" autocomplete="off"></label>
            """);

    private static Html Article(
        HtmlPage page, ClipPicture clip, IReadOnlyList<GalleryStrategy> strategies, GalleryAxis first, GalleryAxis second, Func<string, int, int, PatchMask?> maskOf)
    {
        SpectrogramImage image = SpectrogramImage.Of(clip.LogMel, clip.Bands, clip.Frames, clip.Grid, LevelRange.Of(clip.LogMel));
        (string id, Html block) = page.Data(new
        {
            clip.Name,
            clip.Seconds,
            Hertz = clip.BandHz,
            image.Bands,
            image.Frames,
            image.Rows,
            image.Columns,
            image.Levels,
            Masks = strategies.ToDictionary(strategy => strategy.Name, strategy => first.Steps.Select((_, i) => second.Steps
                .Select((_, j) => maskOf(strategy.Name, i, j))
                .Select(mask => mask is null ? null : new { Bits = Bits(mask, clip.Grid), Masked = mask.Masked.Length }))),
        });
        return Html.Of(
            $"""
            <article class="clip" data-clip="{id}">
            <header><h3>{clip.Name}</h3>
            <span>{clip.Seconds:0.00} s · {clip.Grid.Rows} × {clip.Grid.Columns} patches of
            {clip.Bands / clip.Grid.Rows} bands × {clip.Frames / clip.Grid.Columns} frames</span></header>
            {block}
            </article>
            """);
    }

    private static string TwoDigits(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);

    private static int Nearest(double[] steps, double wanted) =>
        steps.Length == 0 ? 0 : Array.IndexOf(steps, steps.MinBy(step => Math.Abs(step - wanted)));
}

using System.Globalization;
using OtoMask.Configuration;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Studies.Masks;

namespace OtoMask.App.Reports;

/// <summary>The parts of a study's page that show masks: on clips, and where they fall on average.</summary>
internal static class StudyMaskParts
{
    /// <summary>The masks of every arm on a clip of each family, with a slider over the training.</summary>
    public static Html Gallery(HtmlPage page, StudyContents study)
    {
        if (study.Masks is not { Arms.Count: > 0 } masks)
            return Html.Of($"<p>Masks are drawn when a sitting of the study ends.</p>");
        string[] frameworks = [.. masks.Arms.Select(arm => arm.Framework).Distinct()];
        PatchMask? MaskOf(int clip, string arm, int framework, int step) =>
            masks.Arms.FirstOrDefault(one => one.Arm == arm && one.Framework == frameworks[framework]) is { } found ? Mask(found.Masked[clip][step], masks) : null;
        return Html.Of(
            $"""
            <p>What each arm hides of a test clip of each family (the most varied of its task's first clips). Arms that follow the hint schedule
            begin randomly; the slider goes through the training.</p>
            {LeftOut(masks)}
            {MaskGallery.Section(
                page, [.. masks.Clips.Select(clip => Picture(clip, masks))], [.. masks.Arms.DistinctBy(arm => arm.Arm).Select(Strategy)],
                new GalleryAxis("framework", "Framework", frameworks, Start: 0) { IsList = true },
                new GalleryAxis("progress", "Training done", Steps(masks), masks.Progress.Length - 1), MaskOf)}
            """);
    }

    /// <summary>How often each patch is masked, over the patch grid and by how much it varies.</summary>
    public static Html Where(HtmlPage page, StudyContents study, StudyMasks masks) => Html.Of(
        $"""
        <p>How often a patch is masked, over {masks.Crops} crops of the pool that all arms see. Colours compare it with the arm's mask ratio, which is what
        chance gives everywhere. Under each framework: the same by how much the patch varies (mean absolute deviation, in tenths of its own crop's patches).</p>
        {Html.Each(masks.Arms.GroupBy(arm => arm.Framework), framework => Where(page, study, masks, framework))}
        """);

    private static Html Where(HtmlPage page, StudyContents study, StudyMasks masks, IGrouping<string, ArmMasks> framework)
    {
        double reach = Math.Max(0.1, framework.Max(arm => arm.Probability.Max(map => map.Max(share => Math.Abs(share - arm.MaskRatio)))));
        Curve[] byDispersion = [.. framework.Select(arm => new Curve(arm.Arm, [.. arm.ByDispersion[^1].Select((share, tenth) => (tenth + 1.0, 100 * share))]) { Style = study.StyleOf(arm.Arm) })];
        return Html.Of(
            $"""
            <h3>{framework.Key}</h3>
            <div data-choices>
            <label class="steps">Training done <output></output>
            <input type="range" data-choice="progress" data-steps="{string.Join('|', Steps(masks))}" min="0" max="{masks.Progress.Length - 1}" value="{masks.Progress.Length - 1}" autocomplete="off"></label>
            <p class="key">{100 * reach:0} points less often than chance<i></i>{100 * reach:0} points more often</p>
            <div class="charts maps">{Html.Each(framework, arm => Map(page, masks, arm, reach))}</div>
            </div>
            <div class="charts">{Charts.Lines(page, $"{framework.Key}: masked by dispersion", "At the end of training. Flat: masks do not go by it.", "tenth of the crop's patches, calmest first", byDispersion)}</div>
            """);
    }

    private static Html Map(HtmlPage page, StudyMasks masks, ArmMasks arm, double reach)
    {
        page.Use("echarts.min.js", "charts.js", "charts-heatmap.js");
        InputGeometry input = masks.Geometry();
        double[] hertz = GalleryPainter.BandHz(FrontEnd(masks));
        return Charts.Figure(page, arm.Arm, $"{arm.Framework}, masks {100 * arm.MaskRatio:0.#} %", new
        {
            Kind = "patches",
            Title = $"{arm.Framework}, {arm.Arm}: where it masks",
            Rows = Enumerable.Range(0, input.Grid.Rows).Select(row => Text(Math.Round(hertz[row * input.PatchHeight] / 10) * 10)),
            Columns = Enumerable.Range(0, input.Grid.Columns).Select(column => Text(column * input.PatchWidth / (double)InputGeometry.FramesPerSecond)),
            Steps = masks.Progress,
            Values = arm.Probability,
            Centre = arm.MaskRatio,
            Reach = reach,
        });
    }

    private static Html LeftOut(StudyMasks masks) => masks.LeftOut.Count == 0 ? Html.Empty : Html.Of(
        $"""<div class="callout"><p>Left out:</p><ul>{Html.Each(masks.LeftOut, line => Html.Of($"<li>{line}</li>"))}</ul></div>""");

    private static GalleryStrategy Strategy(ArmMasks arm)
    {
        MaskingInfo masking = KnownMaskings.Find(arm.Mask);
        string hint = masking.Hint != HintUse.None ? $" Hint ratio {Text(arm.HintRatios[0])} at the beginning, {Text(arm.HintRatios[^1])} at the end." : "";
        return new GalleryStrategy(arm.Arm, $"{masking.Summary}.{hint}", masking.DependsOn);
    }

    private static ClipPicture Picture(MaskedClip clip, StudyMasks masks)
    {
        InputGeometry input = masks.Geometry();
        return new ClipPicture(
            $"{clip.Family}: {clip.Label} ({clip.Task}, {Path.GetFileName(clip.Name)})", input.Seconds, input.Bands, input.Frames, clip.LogMel,
            GalleryPainter.BandHz(FrontEnd(masks)), input.Grid);
    }

    private static Audio.LogMelSettings FrontEnd(StudyMasks masks) => new PretrainingConfig { Input = masks.Input, Patch = masks.Patch, SampleRate = masks.SampleRate }.LogMel;

    private static PatchMask Mask(int[] masked, StudyMasks masks) => new([.. Enumerable.Range(0, masks.Geometry().Grid.Count).Except(masked)], masked);

    private static string[] Steps(StudyMasks masks) => [.. masks.Progress.Select(done => $"{Text(100 * done)} %")];

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}

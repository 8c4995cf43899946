using OtoMask.Audio;
using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.App.Reports;

/// <summary>Draws the masks that a gallery shows of a clip: every strategy at every mask ratio and hint ratio.</summary>
internal sealed class GalleryPainter
{
    /// <summary>Mask ratios of the gallery's slider.</summary>
    public static IReadOnlyList<double> DefaultMaskRatios { get; } = [0.5, 0.6, 0.7, 0.75, 0.8, 0.9];

    /// <summary>Hint ratios of the gallery's slider.</summary>
    public static IReadOnlyList<double> DefaultHintRatios { get; } = [0, 0.25, 0.5, 0.75, 0.9, 1];

    private readonly List<string> remarks = [];

    /// <summary>The strategies to draw.</summary>
    public IReadOnlyList<MaskingInfo> Maskings { get; init; } = KnownMaskings.All;

    /// <summary>The front end that the clips come from.</summary>
    public LogMelSettings FrontEnd { get; init; } = LogMelSettings.Default;

    /// <summary>ph, bands of one patch; must divide the bands.</summary>
    public int PatchHeight { get; init; } = 16;

    /// <summary>pw, frames of one patch.</summary>
    public int PatchWidth { get; init; } = 16;

    /// <summary>Seed of the draws.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>What the reader of the masks drawn so far should know: where a grid has no room for blocks.</summary>
    public IReadOnlyList<string> Remarks => remarks;

    /// <summary>The strategies as the gallery names them.</summary>
    public IReadOnlyList<GalleryStrategy> Strategies =>
        [.. Maskings.Select(masking => new GalleryStrategy(masking.Name, masking.Summary,
            masking.CreateFeatureStrategy() is null ? masking.DependsOn : $"{masking.DependsOn} (here: the patches)"))];

    /// <summary>Draws the masks of a clip.</summary>
    /// <param name="name">What the clip is called.</param>
    /// <param name="logMel">Its log-mel; frames after the last whole patch are left out, less than one patch is filled up with silence.</param>
    /// <param name="index">The clip's place in the gallery, which chooses its random numbers.</param>
    /// <exception cref="UserErrorException">The patch does not divide the bands, or there are more than 1,000 patches.</exception>
    public GalleryClip Paint(string name, LogMel logMel, int index)
    {
        int frames = Math.Max(logMel.Frames / PatchWidth, 1) * PatchWidth;
        float[] values = ClipFrames.WholePatches(logMel, frames);
        PatchGrid grid = PatchGrid.Of(logMel.Bands, frames, PatchHeight, PatchWidth);
        if (grid.Count > MaskSketch.MostPatches)
            throw new UserErrorException(
                $"{name}: {grid.Rows}x{grid.Columns} patches are more than a page can show ({MaskSketch.MostPatches}); "
                + "choose a larger patch or fewer seconds");
        // No trained encoder is at hand: the normalised patches themselves stand in for its features, as the page says.
        var sketch = MaskSketch.Of(ClipFrames.Normalised(values), logMel.Bands, frames, PatchHeight, PatchWidth);

        Dictionary<MaskKey, PatchMask> masks = Maskings
            .SelectMany(masking => DefaultMaskRatios.Where(ratio => sketch.Impossible(masking, ratio) is null).Select(ratio => (masking, ratio)))
            .AsParallel().AsOrdered()
            .SelectMany(pair => DrawAll(pair.masking, sketch, pair.ratio, index))
            .ToDictionary(drawn => drawn.Key, drawn => drawn.Mask);
        RemarkOnSmallGrid(name, sketch);
        double seconds = (double)frames * FrontEnd.HopSize / FrontEnd.SampleRate;
        return new(new ClipPicture(name, seconds, logMel.Bands, frames, values, BandHz(FrontEnd), grid), masks);
    }

    private void RemarkOnSmallGrid(string name, MaskSketch sketch)
    {
        PatchGrid grid = sketch.Grid;
        foreach (var ratios in DefaultMaskRatios.GroupBy(ratio => string.Join(" and ", Maskings.Where(HasNoRoom(ratio)).Select(masking => masking.Name))))
        {
            if (ratios.Key.Length > 0)
                remarks.Add($"{name}: {grid.Rows} × {grid.Columns} patches have no room for a block at mask ratio {string.Join(", ", ratios)}, "
                    + $"so that {ratios.Key} mask like random there.");
        }

        Func<MaskingInfo, bool> HasNoRoom(double ratio) => masking =>
            sketch.Impossible(masking, ratio) is null && MaskingGeometry.Warnings(masking, grid, ratio).Count > 0;
    }

    private IEnumerable<(MaskKey Key, PatchMask Mask)> DrawAll(MaskingInfo masking, MaskSketch sketch, double maskRatio, int index)
    {
        foreach (double hintRatio in DefaultHintRatios.Select(masking.Heeded).Distinct())
            yield return (new(masking.Name, maskRatio, hintRatio), sketch.Draw(masking, maskRatio, hintRatio, Seed, index));
    }

    /// <summary>The centre of gravity of each band's filter, in Hz.</summary>
    internal static double[] BandHz(LogMelSettings frontEnd)
    {
        float[] filters = LogMelExtractor.FilterBank(frontEnd);
        int bins = filters.Length / frontEnd.Bands;
        double binHz = (double)frontEnd.SampleRate / frontEnd.FftSize;
        return [.. filters.Chunk(bins).Select(filter =>
            filter.Index().Sum(weight => weight.Item * weight.Index * binHz) / filter.Sum(weight => (double)weight))];
    }
}

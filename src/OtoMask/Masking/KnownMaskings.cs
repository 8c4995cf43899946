namespace OtoMask.Masking;

/// <summary>The catalogue of masking strategies; commands, configs, studies and reports list what is here.</summary>
public static class KnownMaskings
{
    private const string Nothing = "nothing", Input = "the input", EncoderFeatures = "the encoder's features";

    /// <summary>All strategies, in the order in which tables show them.</summary>
    public static IReadOnlyList<MaskingInfo> All => all;

    private static readonly Lock Adding = new();

    private static IReadOnlyList<MaskingInfo> all =
    [
        new() { Name = "random", DependsOn = Nothing, Data = () => new RandomMasking(),
            Summary = "masked patches uniformly at random (MAE)" },
        new() { Name = "inverse-block", DependsOn = Nothing, Hint = HintUse.WarmUp,
            OfBlocks = new(size => new InverseBlockMasking { Size = size }, InverseBlockMasking.CentreCount),
            Summary = "visible patches in 5x5 blocks (data2vec 2.0); random until the hint schedule starts, as published" },
        new() { Name = "inverse-block-from-start", DependsOn = Nothing, FormerName = "inverse-block",
            OfBlocks = new(size => new InverseBlockMasking { Size = size, IgnoresHint = true }, InverseBlockMasking.CentreCount),
            Summary = "inverse-block from the first step on, without a random warm-up" },
        new() { Name = "block", DependsOn = Nothing, Hint = HintUse.WarmUp,
            OfBlocks = new(size => new BlockMasking { Size = size }, BlockMasking.CentreCount),
            Summary = "masked patches in 5x5 blocks (after BEiT); random until the hint schedule starts" },
        new() { Name = "block-from-start", DependsOn = Nothing, FormerName = "block",
            OfBlocks = new(size => new BlockMasking { Size = size, IgnoresHint = true }, BlockMasking.CentreCount),
            Summary = "block from the first step on, without a random warm-up" },
        new() { Name = "multi-block", DependsOn = Nothing, Hint = HintUse.WarmUp, Data = () => new MultiBlockMasking(),
            Summary = "masked patches in a few large blocks (after I-JEPA); random until the hint schedule starts" },
        new() { Name = "color-green", DependsOn = Nothing, Hint = HintUse.WarmUp, Data = () => new ColorMasking(NoiseFilter.Green),
            Summary = "visible where noise of one size is high: blobs of about three patches (ColorMAE); random until the hint schedule starts" },
        new() { Name = "color-blue", DependsOn = Nothing, Hint = HintUse.WarmUp, Data = () => new ColorMasking(NoiseFilter.Blue),
            Summary = "visible where fast noise is high: spread evenly, neighbours differ (ColorMAE); random until the hint schedule starts" },
        new() { Name = "color-red", DependsOn = Nothing, Hint = HintUse.WarmUp, Data = () => new ColorMasking(NoiseFilter.Red),
            Summary = "visible where slow noise is high: a few large areas (ColorMAE); random until the hint schedule starts" },
        new() { Name = "color-purple", DependsOn = Nothing, Hint = HintUse.WarmUp, Data = () => new ColorMasking(NoiseFilter.Purple),
            Summary = "visible where slow or fast noise is high, no size between (ColorMAE); random until the hint schedule starts" },
        new() { Name = "sgim", DependsOn = EncoderFeatures, Hint = HintUse.Trade,
            Features = () => new ObjectCentricMasking(PatchCuts.PrincipalAxis),
            Summary = "masks what belongs least to either half of the scene, split by the first principal axis (SGIM)" },
        new() { Name = "sgim-spectral", DependsOn = EncoderFeatures, Hint = HintUse.Trade,
            Features = () => new ObjectCentricMasking(PatchCuts.Spectral),
            Summary = "sgim split by the graph Laplacian, as in the literature (costly)" },
        new() { Name = "dwm", DependsOn = Input, ReadsInput = true, Hint = HintUse.Trade,
            Data = () => new DispersionWeightedMasking(DispersionWeights.MeanAbsoluteDeviation),
            Summary = "masks what varies: chance proportional to mean absolute deviation (DWM)" },
        new() { Name = "dwm-variance", DependsOn = Input, ReadsInput = true, Hint = HintUse.Trade,
            Data = () => new DispersionWeightedMasking(DispersionWeights.Variance),
            Summary = "dwm with the variance as weight" },
        new() { Name = "dwm-topk", DependsOn = Input, ReadsInput = true, Hint = HintUse.Trade,
            Data = () => new DispersionTopMasking(DispersionWeights.MeanAbsoluteDeviation),
            Summary = "dwm without chance: the patches of largest deviation (ablation)" },
        new() { Name = "structured", DependsOn = Nothing, Data = () => new StructuredMasking(),
            Impossible = StructuredMasking.Impossible,
            Summary = "whole frequency rows and time columns (patch-out for fine-tuning)" },
        new() { Name = "time-span", DependsOn = Nothing, Data = () => new TimeSpanMasking(),
            Impossible = TimeSpanMasking.Impossible,
            Summary = "runs of time steps over all frequencies" },
    ];

    /// <summary>Adds a strategy of a program's own: from then on its name is as good as any other, in configurations and when a run goes on. To be called as the program begins.</summary>
    /// <exception cref="ArgumentException">There is one of that name, or it says neither how to make it from the clip nor from features.</exception>
    public static void Add(MaskingInfo masking)
    {
        if (masking.Data is null == masking.Features is null)
            throw new ArgumentException($"{masking.Name}: say how to make the strategy, from the clip ({nameof(MaskingInfo.Data)}) or from features ({nameof(MaskingInfo.Features)})", nameof(masking));
        lock (Adding)
        {
            all = all.Any(known => known.Name == masking.Name) ? throw new ArgumentException($"there is a masking strategy {masking.Name} already", nameof(masking)) : [.. all, masking];
        }
    }

    /// <summary>What a strategy is called now that versions before the warm-up of blocks called <paramref name="formerName"/>.</summary>
    internal static string NameNow(string formerName) => All.FirstOrDefault(masking => masking.FormerName == formerName)?.Name ?? formerName;

    /// <summary>The strategy of a name.</summary>
    /// <exception cref="UserErrorException">There is none; the message names the nearest and lists all.</exception>
    public static MaskingInfo Find(string name)
    {
        string[] names = [.. All.Select(masking => masking.Name)];
        return All.FirstOrDefault(masking => masking.Name == name)
            ?? throw new UserErrorException($"no masking strategy \"{name}\"{Nearest.Hint(name, names)} (there are {string.Join(", ", names)})");
    }
}

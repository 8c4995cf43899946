namespace OtoMask.Masking;

/// <summary>The catalogue of masking strategies; commands, configs, studies and reports list what is here.</summary>
public static class KnownMaskings
{
    private const string Nothing = "nothing", Input = "the input", EncoderFeatures = "the encoder's features";

    /// <summary>All strategies, in the order in which tables show them.</summary>
    public static IReadOnlyList<MaskingInfo> All { get; } =
    [
        new() { Name = "random", DependsOn = Nothing, Data = () => new RandomMasking(),
            Summary = "masked patches uniformly at random (MAE)" },
        new() { Name = "inverse-block", DependsOn = Nothing, Data = () => new InverseBlockMasking(),
            BlockCount = InverseBlockMasking.CentreCount,
            Summary = "visible patches in 5x5 blocks (data2vec 2.0)" },
        new() { Name = "block", DependsOn = Nothing, Data = () => new BlockMasking(),
            BlockCount = BlockMasking.CentreCount,
            Summary = "masked patches in 5x5 blocks (after BEiT)" },
        new() { Name = "sgim", DependsOn = EncoderFeatures, UsesHint = true,
            Features = () => new ObjectCentricMasking(PatchCuts.PrincipalAxis),
            Summary = "masks what belongs least to either half of the scene, split by the first principal axis (SGIM)" },
        new() { Name = "sgim-spectral", DependsOn = EncoderFeatures, UsesHint = true,
            Features = () => new ObjectCentricMasking(PatchCuts.Spectral),
            Summary = "sgim split by the graph Laplacian, as in the literature (costly)" },
        new() { Name = "dwm", DependsOn = Input, ReadsInput = true, UsesHint = true,
            Data = () => new DispersionWeightedMasking(DispersionWeights.MeanAbsoluteDeviation),
            Summary = "masks what varies: chance proportional to mean absolute deviation (DWM)" },
        new() { Name = "dwm-variance", DependsOn = Input, ReadsInput = true, UsesHint = true,
            Data = () => new DispersionWeightedMasking(DispersionWeights.Variance),
            Summary = "dwm with the variance as weight" },
        new() { Name = "dwm-topk", DependsOn = Input, ReadsInput = true, UsesHint = true,
            Data = () => new DispersionTopMasking(DispersionWeights.MeanAbsoluteDeviation),
            Summary = "dwm without chance: the patches of largest deviation (ablation)" },
        new() { Name = "structured", DependsOn = Nothing, Data = () => new StructuredMasking(),
            Impossible = StructuredMasking.Impossible,
            Summary = "whole frequency rows and time columns (patch-out for fine-tuning)" },
        new() { Name = "time-span", DependsOn = Nothing, Data = () => new TimeSpanMasking(),
            Impossible = TimeSpanMasking.Impossible,
            Summary = "runs of time steps over all frequencies" },
    ];

    /// <summary>The strategy of a name.</summary>
    /// <exception cref="UserErrorException">There is none; the message names the nearest and lists all.</exception>
    public static MaskingInfo Find(string name)
    {
        string[] names = [.. All.Select(masking => masking.Name)];
        return All.FirstOrDefault(masking => masking.Name == name)
            ?? throw new UserErrorException($"no masking strategy \"{name}\"{Nearest.Hint(name, names)} (there are {string.Join(", ", names)})");
    }
}

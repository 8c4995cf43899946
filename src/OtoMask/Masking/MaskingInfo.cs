using OtoMask.Geometry;

namespace OtoMask.Masking;

/// <summary>One entry of the catalogue: what a strategy is called, what it goes by, and how to make one.</summary>
public sealed record MaskingInfo
{
    /// <summary>The name that commands and configs use.</summary>
    public required string Name { get; init; }

    /// <summary>One line for tables and help texts.</summary>
    public required string Summary { get; init; }

    /// <summary>What the mask depends on besides chance: "nothing", "the input" or "the encoder's features".</summary>
    public required string DependsOn { get; init; }

    /// <summary>Whether <see cref="PatchView.Patches"/> must be filled in.</summary>
    public bool ReadsInput { get; init; }

    /// <summary>What the hint ratio does to it.</summary>
    public HintUse Hint { get; init; }

    /// <summary>
    /// What it was called by versions in which no strategy of blocks began randomly; null where its name has always been its own.
    /// <see cref="KnownMaskings.NameNow"/> translates.
    /// </summary>
    public string? FormerName { get; init; }

    /// <summary>What of a hint ratio it goes by: the ratio itself, or 0 where that ratio changes nothing.</summary>
    /// <param name="hintRatio">h, in [0, 1].</param>
    public double Heeded(double hintRatio) => Hint switch
    {
        HintUse.Trade => hintRatio,
        HintUse.WarmUp when hintRatio >= HintRatio.Random => HintRatio.Random,
        _ => 0,
    };

    /// <summary>How to make the strategy if it needs the clip alone; else null.</summary>
    public Func<IMaskingStrategy>? Data { get; init; }

    /// <summary>How to make the strategy if it is made of blocks of one size, 5 x 5 unless <see cref="InBlocks"/>; else null.</summary>
    internal BlockMaker? OfBlocks
    {
        get;
        init
        {
            field = value;
            if (value is not null)
                (Data, BlockCount) = value.Of(MaskBlock.Published);
        }
    }

    /// <summary>How to make the strategy if it needs features; else null.</summary>
    public Func<IFeatureMaskingStrategy>? Features { get; init; }

    /// <summary>Says why a geometry would leave nothing visible or nothing masked; null if it would not.</summary>
    public Func<PatchGrid, double, string?> Impossible { get; init; } = MaskingGeometry.ImpossibleByCount;

    /// <summary>For strategies made of blocks: how many are drawn.</summary>
    public Func<PatchGrid, double, int>? BlockCount { get; init; }

    /// <summary>The same strategy in blocks of a size; itself where it is made of none, or null is given.</summary>
    internal MaskingInfo InBlocks(MaskBlock? size)
    {
        if (size is not { } block || OfBlocks is null)
            return this;
        (Func<IMaskingStrategy> make, Func<PatchGrid, double, int> count) = OfBlocks.Of(block);
        return this with { Data = make, BlockCount = count, Summary = Summary.Replace($"{MaskBlock.Published}", $"{block}", StringComparison.Ordinal) };
    }

    /// <summary>Makes the strategy that draws masks from the clip alone; null for one that needs features.</summary>
    public IMaskingStrategy? CreateDataStrategy() => Data?.Invoke();

    /// <summary>Makes the strategy that draws masks from the encoder's features; null for one that needs the clip alone.</summary>
    public IFeatureMaskingStrategy? CreateFeatureStrategy() => Features?.Invoke();
}

/// <summary>How to make a strategy of blocks of one size.</summary>
/// <param name="Make">Makes it.</param>
/// <param name="Count">How many blocks it draws.</param>
internal sealed record BlockMaker(Func<MaskBlock, IMaskingStrategy> Make, Func<PatchGrid, double, MaskBlock, int> Count)
{
    /// <summary>Both, for blocks of a size.</summary>
    public (Func<IMaskingStrategy> Make, Func<PatchGrid, double, int> Count) Of(MaskBlock size) => (() => Make(size), (grid, ratio) => Count(grid, ratio, size));
}

using OtoMask.Geometry;

namespace OtoMask.Masking;

/// <summary>Checks that a mask ratio makes sense on a patch grid, before any training starts.</summary>
internal static class MaskingGeometry
{
    /// <summary>Refuses ratios and grids that would leave nothing to see or nothing to predict.</summary>
    /// <param name="masking">The strategy.</param>
    /// <param name="grid">The patch grid.</param>
    /// <param name="maskRatio">Share of patches to mask.</param>
    /// <exception cref="UserErrorException">The ratio is not in (0, 1), the grid is empty, or no patch would be visible or
    /// masked.</exception>
    public static void Validate(MaskingInfo masking, PatchGrid grid, double maskRatio)
    {
        if (!(maskRatio > 0 && maskRatio < 1))
            throw new UserErrorException($"the mask ratio is {maskRatio}; give a number between 0 and 1, both excluded, such as 0.7");
        if (grid.Rows < 1 || grid.Columns < 1)
            throw new UserErrorException(
                $"the grid has {grid.Rows}x{grid.Columns} patches (frequency x time); choose an input of at least one patch each way");
        if (masking.Impossible(grid, maskRatio) is { } reason)
            throw new UserErrorException(
                $"mask {masking.Name} at ratio {maskRatio} on {grid.Rows}x{grid.Columns} patches (frequency x time): {reason}; "
                + "choose a longer input, a smaller patch or a mask ratio nearer 0.5");
    }

    /// <summary>What the user should know about a strategy on this grid although it works; empty if nothing.</summary>
    /// <param name="masking">The strategy.</param>
    /// <param name="grid">The patch grid.</param>
    /// <param name="maskRatio">Share of patches to mask, in (0, 1).</param>
    public static IReadOnlyList<string> Warnings(MaskingInfo masking, PatchGrid grid, double maskRatio) =>
        masking.BlockCount is { } blocks && blocks(grid, maskRatio) == 0
            ? [$"mask {masking.Name} at ratio {maskRatio} has no room for a block on {grid.Rows}x{grid.Columns} = {grid.Count} patches: "
                + $"it is plain random here; choose an input of more patches ({FewestWithBlock(blocks, grid.Count, maskRatio)} suffice) for a comparison"]
            : [];

    private const int MostSearched = 1 << 17;

    private static int FewestWithBlock(Func<PatchGrid, double, int> blocks, int patches, double maskRatio)
    {
        while (patches < MostSearched && blocks(new PatchGrid(1, patches), maskRatio) == 0)
            patches++;
        return patches;
    }

    /// <summary>The rule for strategies that show exactly Lv patches.</summary>
    internal static string? ImpossibleByCount(PatchGrid grid, double maskRatio)
    {
        int visible = grid.VisibleCount(maskRatio);
        return visible < 1 ? "no patch would be visible" : visible >= grid.Count ? "no patch would be masked" : null;
    }
}

using OtoMask.Geometry;

namespace OtoMask.Masking;

/// <summary>One clip as a masking strategy sees it: the normalised log-mel, cut in patches.</summary>
/// <param name="grid">The patch grid.</param>
/// <param name="patchSize">ph * pw, values of one patch.</param>
/// <param name="patches">[L, ph*pw], patch after patch; empty for strategies that do not read the input.</param>
public readonly ref struct PatchView(PatchGrid grid, int patchSize, ReadOnlySpan<float> patches)
{
    /// <summary>The patch grid.</summary>
    public PatchGrid Grid { get; } = grid;

    /// <summary>ph * pw, values of one patch.</summary>
    public int PatchSize { get; } = patchSize;

    /// <summary>All values, [L, ph*pw].</summary>
    public ReadOnlySpan<float> Patches { get; } = patches;

    /// <summary>The ph*pw values of patch <paramref name="id"/>.</summary>
    public ReadOnlySpan<float> this[int id] => Patches.Slice(id * PatchSize, PatchSize);
}

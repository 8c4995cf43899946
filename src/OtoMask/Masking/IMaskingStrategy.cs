using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>The patches of a spectrogram: <see cref="Rows"/> along frequency, <see cref="Columns"/> along time.</summary>
/// <param name="Rows">Nf, patches along frequency; row 0 is the lowest band.</param>
/// <param name="Columns">Nt, patches along time.</param>
public readonly record struct PatchGrid(int Rows, int Columns)
{
    /// <summary>L = Nf * Nt, the number of patches. Patch id = row * Columns + column.</summary>
    public int Count => Rows * Columns;

    /// <summary>Lv = (int)(L * (1 - ratio)) in double arithmetic (METHOD section 2).</summary>
    public int VisibleCount(double maskRatio) => (int)(Count * (1 - maskRatio));
}

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

/// <summary>What a strategy is told besides the clip.</summary>
/// <param name="MaskRatio">Share of patches to mask, in (0, 1).</param>
/// <param name="HintRatio">Share of the masked patches that is traded for random ones, in [0, 1]; 1 = random.</param>
/// <param name="Clip">The clip's own random stream (seed, epoch, clip).</param>
/// <param name="Batch">The random stream that all clips of the batch share (seed, step).</param>
public readonly record struct MaskingContext(double MaskRatio, double HintRatio, RandomStream Clip, RandomStream Batch);

/// <summary>A partition of the patch ids 0 .. L-1 in visible and masked ones, each list ascending.</summary>
/// <param name="Visible">Ids of the patches the encoder sees.</param>
/// <param name="Masked">Ids of the patches to predict.</param>
public sealed record PatchMask(int[] Visible, int[] Masked);

/// <summary>Chooses which patches to hide from the clip alone, so it runs on loader threads ahead of the model.</summary>
public interface IMaskingStrategy
{
    /// <summary>Draws the mask of one clip. Thread-safe; the result depends on the arguments alone.</summary>
    PatchMask Sample(in PatchView clip, in MaskingContext context);
}

/// <summary>Chooses which patches to hide from what the online encoder makes of the whole clip.</summary>
public interface IFeatureMaskingStrategy
{
    /// <summary>Draws the mask of one clip from its L patch features.</summary>
    /// <param name="grid">The patch grid.</param>
    /// <param name="features">[L, width], features of the current online encoder on the whole clip (no CLS), no gradient.</param>
    /// <param name="width">D, values of one feature.</param>
    /// <param name="context">Ratio, hint ratio and random streams.</param>
    PatchMask Sample(PatchGrid grid, ReadOnlySpan<float> features, int width, in MaskingContext context);
}

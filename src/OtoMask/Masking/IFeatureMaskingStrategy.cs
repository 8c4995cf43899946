using OtoMask.Geometry;

namespace OtoMask.Masking;

/// <summary>Chooses which patches to hide from what the online encoder makes of the whole clip.</summary>
public interface IFeatureMaskingStrategy
{
    /// <summary>Draws the mask of one clip from its L patch features. Thread-safe; the result depends on the arguments alone.</summary>
    /// <param name="grid">The patch grid.</param>
    /// <param name="features">[L, width], features of the current online encoder on the whole clip (no CLS), no gradient.</param>
    /// <param name="width">D, values of one feature.</param>
    /// <param name="context">Ratio, hint ratio and random streams.</param>
    PatchMask Sample(PatchGrid grid, ReadOnlySpan<float> features, int width, in MaskingContext context);
}

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

    /// <summary>Draws several masks of one clip: those that <see cref="Sample"/> would give one by one. What depends on the features alone need be computed only once.</summary>
    /// <param name="grid">The patch grid.</param>
    /// <param name="features">[L, width], features of the clip.</param>
    /// <param name="width">D, values of one feature.</param>
    /// <param name="contexts">One for each mask; they differ in the clip's stream alone.</param>
    /// <returns>As many masks.</returns>
    PatchMask[] SampleSeveral(PatchGrid grid, ReadOnlySpan<float> features, int width, MaskingContext[] contexts)
    {
        var masks = new PatchMask[contexts.Length];
        for (int i = 0; i < masks.Length; i++)
            masks[i] = Sample(grid, features, width, contexts[i]);
        return masks;
    }
}

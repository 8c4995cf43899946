namespace OtoMask.Masking;

/// <summary>Chooses which patches to hide from the clip alone, so it runs on loader threads ahead of the model.</summary>
public interface IMaskingStrategy
{
    /// <summary>Draws the mask of one clip. Thread-safe; the result depends on the arguments alone.</summary>
    /// <param name="clip">The patches of the clip, normalised, as the model would see them.</param>
    /// <param name="context">Ratio, hint ratio and random streams.</param>
    /// <returns>Every id 0 .. L-1 once: exactly <see cref="Geometry.PatchGrid.VisibleCount"/> of them visible.</returns>
    PatchMask Sample(in PatchView clip, in MaskingContext context);

    /// <summary>Draws several masks of one clip: those that <see cref="Sample(in PatchView, in MaskingContext)"/> would give one by one. What depends on the clip alone need be computed only once.</summary>
    /// <param name="clip">The patches of the clip.</param>
    /// <param name="contexts">One for each mask; they differ in the clip's stream alone.</param>
    /// <returns>As many masks.</returns>
    PatchMask[] SampleSeveral(in PatchView clip, MaskingContext[] contexts)
    {
        var masks = new PatchMask[contexts.Length];
        for (int i = 0; i < masks.Length; i++)
            masks[i] = Sample(clip, contexts[i]);
        return masks;
    }
}

namespace OtoMask.Masking;

/// <summary>Chooses which patches to hide from the clip alone, so it runs on loader threads ahead of the model.</summary>
public interface IMaskingStrategy
{
    /// <summary>Draws the mask of one clip. Thread-safe; the result depends on the arguments alone.</summary>
    /// <param name="clip">The patches of the clip, normalised, as the model would see them.</param>
    /// <param name="context">Ratio, hint ratio and random streams.</param>
    /// <returns>Every id 0 .. L-1 once: exactly <see cref="Geometry.PatchGrid.VisibleCount"/> of them visible.</returns>
    PatchMask Sample(in PatchView clip, in MaskingContext context);
}

namespace OtoMask.Masking;

/// <summary>Chooses which patches to hide from the clip alone, so it runs on loader threads ahead of the model.</summary>
public interface IMaskingStrategy
{
    /// <summary>Draws the mask of one clip. Thread-safe; the result depends on the arguments alone.</summary>
    PatchMask Sample(in PatchView clip, in MaskingContext context);
}

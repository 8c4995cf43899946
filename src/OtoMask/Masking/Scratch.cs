namespace OtoMask.Masking;

/// <summary>Where strategies keep their working arrays: on the stack as long as the grid is of an ordinary size.</summary>
internal static class Scratch
{
    /// <summary>The largest working array, in elements, that is taken from the stack (10 s has 5 x 62 patches of 16 x 16).</summary>
    public const int OnStack = 1024;
}

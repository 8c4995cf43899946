namespace OtoMask.Geometry;

/// <summary>Cuts a log-mel into patches.</summary>
internal static class PatchCutter
{
    /// <summary>Copies a log-mel, patch by patch, in the order that the patch embedding and the reconstruction target use.</summary>
    /// <param name="logMel">[F, T], band after band.</param>
    /// <param name="bands">F, a multiple of <paramref name="patchHeight"/>.</param>
    /// <param name="frames">T, a multiple of <paramref name="patchWidth"/>.</param>
    /// <param name="patchHeight">ph, bands of one patch.</param>
    /// <param name="patchWidth">pw, frames of one patch.</param>
    /// <param name="patches">[L, ph*pw], receives the patches; patch id = row * Nt + column, values in (ph, pw) order.</param>
    /// <exception cref="UserErrorException">Whole patches do not fill the input.</exception>
    /// <exception cref="ArgumentException">A span does not hold F * T values.</exception>
    public static void Cut(
        ReadOnlySpan<float> logMel, int bands, int frames, int patchHeight, int patchWidth, Span<float> patches)
    {
        PatchGrid grid = PatchGrid.Of(bands, frames, patchHeight, patchWidth);
        if (logMel.Length != bands * frames || patches.Length != logMel.Length)
            throw new ArgumentException(
                $"both spans must hold {bands} x {frames} values, not {logMel.Length} and {patches.Length}");

        int patchSize = patchHeight * patchWidth;
        for (int band = 0; band < bands; band++)
        {
            ReadOnlySpan<float> source = logMel.Slice(band * frames, frames);
            int target = band / patchHeight * grid.Columns * patchSize + band % patchHeight * patchWidth;
            for (int frame = 0; frame < frames; frame += patchWidth, target += patchSize)
                source.Slice(frame, patchWidth).CopyTo(patches.Slice(target, patchWidth));
        }
    }
}

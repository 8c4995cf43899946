namespace OtoMask.Geometry;

/// <summary>The patches of a spectrogram: <see cref="Rows"/> along frequency, <see cref="Columns"/> along time.</summary>
/// <param name="Rows">Nf, patches along frequency; row 0 is the lowest band.</param>
/// <param name="Columns">Nt, patches along time.</param>
public readonly record struct PatchGrid(int Rows, int Columns)
{
    /// <summary>L = Nf * Nt, the number of patches. Patch id = row * Columns + column.</summary>
    public int Count => Rows * Columns;

    /// <summary>Lv = (int)(L * (1 - ratio)) in double arithmetic (docs/method.md section 2).</summary>
    public int VisibleCount(double maskRatio) => (int)(Count * (1 - maskRatio));

    /// <summary>The grid of whole patches that fill a log-mel input.</summary>
    /// <param name="bands">F, mel bands.</param>
    /// <param name="frames">T, frames.</param>
    /// <param name="patchHeight">ph, bands of one patch.</param>
    /// <param name="patchWidth">pw, frames of one patch.</param>
    /// <exception cref="UserErrorException">A size is not positive, or whole patches do not fill the input.</exception>
    public static PatchGrid Of(int bands, int frames, int patchHeight, int patchWidth)
    {
        if (patchHeight < 1 || patchWidth < 1 || bands < 1 || frames < 1)
            throw new UserErrorException(
                $"input {bands}x{frames} with patch {patchHeight}x{patchWidth}: every size must be at least 1; "
                + "give sizes such as 80x608 and 16x16");
        if (bands % patchHeight != 0 || frames % patchWidth != 0)
            throw new UserErrorException(
                $"patch {patchHeight}x{patchWidth} does not fill the input {bands}x{frames} a whole number of times; "
                + $"choose a patch height that divides {bands} and a patch width that divides {frames}");
        return new PatchGrid(bands / patchHeight, frames / patchWidth);
    }
}

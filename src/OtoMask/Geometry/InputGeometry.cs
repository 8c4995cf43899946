using System.Globalization;


namespace OtoMask.Geometry;

/// <summary>The model's input, [Bands, Frames] of log-mel, and the patches it is cut in (docs/method.md sections 1 and 2).</summary>
/// <remarks>Both front ends (16 kHz with hop 160, 32 kHz with hop 320) give <see cref="FramesPerSecond"/> frames a second.</remarks>
public sealed record InputGeometry
{
    /// <summary>Lengths of an input in seconds.</summary>
    internal static NumberRange SecondsRange { get; } = new(0, 24 * 3600) { IsAbove = true };

    /// <summary>Frames of log-mel in one second.</summary>
    public const int FramesPerSecond = 100;

    /// <summary>Describes an input of <paramref name="bands"/> x <paramref name="frames"/> in patches of
    /// <paramref name="patchHeight"/> x <paramref name="patchWidth"/>.</summary>
    /// <exception cref="UserErrorException">A number is not positive, the patch is larger than the input, or does not divide it.</exception>
    public InputGeometry(int bands, int frames, int patchHeight, int patchWidth)
    {
        if (bands < 1 || frames < 1)
            throw new UserErrorException($"input {bands}x{frames}: bands and frames must be at least 1, for example 80x608");
        if ((long)bands * frames > Array.MaxLength)
            throw new UserErrorException($"input {bands}x{frames} is too large for one array; choose a shorter input");
        if (patchHeight < 1 || patchWidth < 1)
            throw new UserErrorException($"patch {patchHeight}x{patchWidth}: both sides must be at least 1, for example 16x16");
        if (patchHeight > bands || patchWidth > frames)
            throw new UserErrorException(
                $"patch {patchHeight}x{patchWidth} is larger than the input {bands}x{frames}: choose a smaller patch or a longer input");
        if (bands % patchHeight != 0)
            throw new UserErrorException(
                $"input {bands}x{frames}: {bands} bands are not a multiple of the patch height {patchHeight}: choose a patch height that divides {bands}");
        if (frames % patchWidth != 0)
            throw new UserErrorException(
                $"input {bands}x{frames}: {frames} frames are not a multiple of the patch width {patchWidth}: " +
                $"choose {bands}x{Math.Max(1, frames / patchWidth) * patchWidth} or another patch width");
        (Bands, Frames, PatchHeight, PatchWidth) = (bands, frames, patchHeight, patchWidth);
    }

    /// <summary>F, mel bands.</summary>
    public int Bands { get; }

    /// <summary>T, frames of one input.</summary>
    public int Frames { get; }

    /// <summary>ph, bands of one patch.</summary>
    public int PatchHeight { get; }

    /// <summary>pw, frames of one patch.</summary>
    public int PatchWidth { get; }

    /// <summary>ph * pw, values of one patch.</summary>
    public int PatchSize => PatchHeight * PatchWidth;

    /// <summary>F * T, values of one input.</summary>
    public int InputSize => Bands * Frames;

    /// <summary>(Nf, Nt), the patches of one input.</summary>
    public PatchGrid Grid => new(Bands / PatchHeight, Frames / PatchWidth);

    /// <summary>Length of the input in seconds.</summary>
    public double Seconds => Frames / (double)FramesPerSecond;

    /// <summary>Reads the field's notation, bands x frames and height x width: <c>80x608</c>, <c>16x16</c>.</summary>
    /// <param name="input">Mel bands x frames.</param>
    /// <param name="patch">Mel bands x frames of a patch, which divide those of the input.</param>
    /// <exception cref="UserErrorException">A text is not of this form, or the geometry is impossible.</exception>
    public static InputGeometry Parse(string input, string patch)
    {
        (int bands, int frames) = ParsePair(input, "input", "80x608");
        (int patchHeight, int patchWidth) = ParsePair(patch, "patch", "16x16");
        return new InputGeometry(bands, frames, patchHeight, patchWidth);
    }

    /// <summary>The geometry of <paramref name="seconds"/> of sound: round(seconds * 100) frames, rounded down to whole patches.</summary>
    /// <exception cref="UserErrorException">The seconds are not a positive number, or the geometry is impossible.</exception>
    public static InputGeometry FromSeconds(double seconds, string patch, int bands = 80)
    {
        (int patchHeight, int patchWidth) = ParsePair(patch, "patch", "16x16");
        return new InputGeometry(bands, FramesOf(seconds, patchWidth), patchHeight, patchWidth);
    }

    /// <summary>round(seconds * 100), rounded down to a multiple of <paramref name="patchWidth"/>: 6.08 s is 608 frames.</summary>
    /// <exception cref="UserErrorException">The seconds are not a positive number, too many, or too few for one patch.</exception>
    public static int FramesOf(double seconds, int patchWidth)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(patchWidth);
        SecondsRange.Require("an input of seconds", seconds);
        int frames = (int)Math.Round(seconds * FramesPerSecond) / patchWidth * patchWidth;
        return frames > 0
            ? frames
            : throw new UserErrorException($"input of {Text(seconds)} s is shorter than one patch of {patchWidth} frames: " +
                $"give at least {Text(patchWidth / (double)FramesPerSecond)} s");
    }

    /// <summary>The input as <see cref="Parse"/> takes it, for example <c>80x608</c>.</summary>
    public string InputText => $"{Bands}x{Frames}";

    /// <summary>The patch as <see cref="Parse"/> takes it, for example <c>16x16</c>.</summary>
    public string PatchText => $"{PatchHeight}x{PatchWidth}";

    /// <summary>The field's notation, for example <c>80x608p16x16</c>.</summary>
    public override string ToString() => $"{InputText}p{PatchText}";

    /// <summary>Reads NUMBERxNUMBER.</summary>
    /// <exception cref="UserErrorException">The text is not of this form.</exception>
    internal static (int First, int Second) ParsePair(string text, string what, string example)
    {
        string[] parts = text.Split('x', 'X');
        return parts.Length == 2 && TryParseSide(parts[0], out int first) && TryParseSide(parts[1], out int second)
            ? (first, second)
            : throw new UserErrorException($"{what} '{text}' is not of the form NUMBERxNUMBER: write it like {example}");
    }

    private static bool TryParseSide(string text, out int side) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out side) && side <= 1 << 20;

    private static string Text(double seconds) => seconds.ToString("0.####", CultureInfo.InvariantCulture);
}

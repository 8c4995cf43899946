using OtoMask.Geometry;

namespace OtoMask.App.Serve.Listening;

/// <summary>What a page wants to see of a sound.</summary>
/// <param name="Sound">Which sound.</param>
/// <param name="From">Where the part shown begins, in seconds.</param>
/// <param name="Patch">Bands x frames of a patch; a run has its own.</param>
/// <param name="Run">The run whose encoder informs the strategies; null: the patches stand in for its features.</param>
internal sealed record ViewQuestion(string Sound, double? From, string? Patch, string? Run)
{
    /// <summary>The patch that is taken where none is asked for.</summary>
    public const string UsualPatch = "16x16";

    /// <summary>Height and width of a patch.</summary>
    /// <exception cref="UserErrorException">They are no such.</exception>
    public (int Height, int Width) PatchSize => InputGeometry.ParsePair(Patch ?? UsualPatch, "patch", UsualPatch);
}

/// <summary>How masks are drawn.</summary>
/// <param name="Ratio">Share of patches masked, in (0, 1).</param>
/// <param name="Hint">Hint ratio, in [0, 1].</param>
/// <param name="Seed">Seed of the draw.</param>
internal sealed record MaskQuestion(double? Ratio, double? Hint, ulong? Seed)
{
    /// <summary>The question with what was left out filled in.</summary>
    /// <exception cref="UserErrorException">A number is out of its range.</exception>
    public (double Ratio, double Hint, ulong Seed) Checked()
    {
        (double ratio, double hint) = (Ratio ?? 0.7, Hint ?? 0);
        NumberRange.TrueShare.Require("ratio", ratio);
        NumberRange.Share.Require("hint", hint);
        return (ratio, hint, Seed ?? 42);
    }
}

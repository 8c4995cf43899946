using OtoMask.Geometry;

namespace OtoMask.App.Reports;

/// <summary>A spectrogram as the page's script draws it: one byte a value, in base64.</summary>
/// <param name="Bands">F, mel bands.</param>
/// <param name="Frames">T, frames.</param>
/// <param name="Rows">Nf, patches along frequency.</param>
/// <param name="Columns">Nt, patches along time.</param>
/// <param name="Levels">[F, T] bytes, 0 = quietest shown, 255 = loudest shown.</param>
internal sealed record SpectrogramImage(int Bands, int Frames, int Rows, int Columns, string Levels)
{
    /// <summary>Shows <paramref name="values"/> [F, T] so that <paramref name="range"/> spans the colour scale.</summary>
    public static SpectrogramImage Of(ReadOnlySpan<float> values, int bands, int frames, PatchGrid grid, LevelRange range)
    {
        if (values.Length != bands * frames)
            throw new ArgumentException($"{values.Length} values are not {bands} bands x {frames} frames", nameof(values));
        byte[] levels = new byte[values.Length];
        float scale = 255 / (range.High - range.Low);
        for (int i = 0; i < levels.Length; i++)
            levels[i] = (byte)Math.Clamp((values[i] - range.Low) * scale, 0, 255);
        return new(bands, frames, grid.Rows, grid.Columns, Convert.ToBase64String(levels));
    }
}

/// <summary>The values that the two ends of the colour scale stand for.</summary>
internal readonly record struct LevelRange(float Low, float High)
{
    /// <summary>The range that holds all but the lowest 2 % and the highest 0.2 % of the finite <paramref name="values"/>.</summary>
    public static LevelRange Of(ReadOnlySpan<float> values)
    {
        float[] sorted = Array.FindAll(values.ToArray(), float.IsFinite);
        if (sorted.Length == 0)
            return new(0, 1);
        Array.Sort(sorted);
        float low = sorted[(int)(0.02 * (sorted.Length - 1))], high = sorted[(int)(0.998 * (sorted.Length - 1))];
        return new(low, Math.Max(high, low + 1e-3f));
    }
}

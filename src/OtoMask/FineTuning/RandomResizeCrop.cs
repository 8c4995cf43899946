using OtoMask.Randomness;

namespace OtoMask.FineTuning;

/// <summary>
/// Lays a log-mel in the middle of a canvas half as long again, cuts a random rectangle of 0.6 to 1.5 times its sides out of it,
/// and brings that back to the log-mel's size.
/// </summary>
/// <remarks>Niizumi et al., "BYOL for audio", IJCNN 2021. The canvas is as high as the log-mel, empty parts are 0.</remarks>
internal static class RandomResizeCrop
{
    private const double CanvasTime = 1.5, Smallest = 0.6, Largest = 1.5;

    /// <summary>The crop of a normalised log-mel, of the same size.</summary>
    /// <param name="logMel">[F, T].</param>
    /// <param name="bands">F.</param>
    /// <param name="frames">T.</param>
    /// <param name="random">The clip's stream.</param>
    /// <returns>[F, T].</returns>
    public static float[] Apply(ReadOnlySpan<float> logMel, int bands, int frames, RandomStream random)
    {
        int width = (int)(CanvasTime * frames), margin = (width - frames) / 2;
        int height = Side(bands, bands, ref random), length = Side(frames, width, ref random);
        int top = random.NextInt32(bands - height + 1), left = random.NextInt32(width - length + 1);

        var crop = new float[height * length];
        int from = Math.Max(left, margin), to = Math.Min(left + length, margin + frames);
        for (int row = 0; row < height && to > from; row++)
            logMel.Slice((top + row) * frames + from - margin, to - from).CopyTo(crop.AsSpan(row * length + from - left));
        return BicubicResize.Apply(crop, height, length, bands, frames);
    }

    private static int Side(int own, int most, ref RandomStream random) =>
        Math.Clamp((int)((Smallest + (Largest - Smallest) * random.NextDouble()) * own), 1, most);
}

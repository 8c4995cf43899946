namespace OtoMask.Corpora;

/// <summary>Cuts pieces out of mono samples at <see cref="ClipLibrary.SampleRate"/>.</summary>
internal static class AudioSlice
{
    /// <summary>The piece from <paramref name="start"/> on, both in seconds; zeros where the samples end early.</summary>
    public static float[] Cut(float[] samples, double start, double seconds)
    {
        float[] piece = new float[(int)Math.Round(seconds * ClipLibrary.SampleRate)];
        int first = Math.Min((int)Math.Round(start * ClipLibrary.SampleRate), samples.Length);
        samples.AsSpan(first, Math.Min(piece.Length, samples.Length - first)).CopyTo(piece);
        return piece;
    }

    /// <summary>At most the first <paramref name="seconds"/>.</summary>
    public static float[] Trim(float[] samples, double seconds) => samples[..Math.Min(samples.Length, (int)Math.Round(seconds * ClipLibrary.SampleRate))];
}

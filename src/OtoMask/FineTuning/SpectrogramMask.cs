using OtoMask.Randomness;

namespace OtoMask.FineTuning;

/// <summary>One band of frequencies and one stretch of time that all clips of a batch lose.</summary>
/// <remarks>Park et al., "SpecAugment", Interspeech 2019, without warping. Widths are uniform in 0 .. the largest, exclusive, then the place is.</remarks>
/// <param name="FirstBand">First masked mel band.</param>
/// <param name="Bands">How many.</param>
/// <param name="FirstFrame">First masked frame.</param>
/// <param name="Frames">How many.</param>
internal readonly record struct SpectrogramMask(int FirstBand, int Bands, int FirstFrame, int Frames)
{
    /// <summary>Draws the mask of a batch.</summary>
    /// <param name="bands">F.</param>
    /// <param name="frames">T.</param>
    /// <param name="mostBands">Bands masked at most; 0 = none.</param>
    /// <param name="mostFrames">Frames masked at most; 0 = none.</param>
    /// <param name="random">The batch's stream.</param>
    public static SpectrogramMask Draw(int bands, int frames, int mostBands, int mostFrames, RandomStream random)
    {
        (int firstBand, int maskedBands) = Stretch(bands, mostBands, ref random);
        (int firstFrame, int maskedFrames) = Stretch(frames, mostFrames, ref random);
        return new SpectrogramMask(firstBand, maskedBands, firstFrame, maskedFrames);
    }

    /// <summary>Sets what is masked of a normalised log-mel [F, T] to 0, its mean.</summary>
    public void Apply(Span<float> logMel, int frames)
    {
        logMel.Slice(FirstBand * frames, Bands * frames).Clear();
        for (int first = FirstFrame; first < logMel.Length; first += frames)
            logMel.Slice(first, Frames).Clear();
    }

    private static (int First, int Count) Stretch(int length, int most, ref RandomStream random)
    {
        int count = most == 0 ? 0 : random.NextInt32(Math.Min(most, length));
        return (random.NextInt32(length - count + 1), count);
    }
}

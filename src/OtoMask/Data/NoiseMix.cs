using OtoMask.Audio;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>
/// Background noise under the clips of a run: what the model sees is noisy, what it predicts is clean, so that it learns to tell sound from noise.
/// </summary>
/// <remarks>Niizumi et al., "Masked Modeling Duo: towards a universal audio pre-training framework" (M2D-X), arXiv 2404.06095; docs/method.md section 6.</remarks>
/// <param name="Source">The noise; its owner disposes it.</param>
/// <param name="Mean">Mean of its log-mels.</param>
/// <param name="Ratio">alpha, share of the noise's power in the mixture, in (0, 1).</param>
internal sealed record NoiseMix(ClipSource Source, float Mean, double Ratio)
{
    /// <summary>Mixes log-mels: log(max(alpha * e^noise + (1 - alpha) * e^clean, eps)), each of mean zero, over the deviation of the clean ones.</summary>
    /// <param name="clean">[F, T], not normalised.</param>
    /// <param name="noise">[F, T], not normalised; receives the mixture, normalised.</param>
    /// <param name="statistics">Mean and deviation of the clean data.</param>
    public void Mix(ReadOnlySpan<float> clean, Span<float> noise, NormalisationStatistics statistics)
    {
        (float ofNoise, float ofClean) = ((float)Ratio, (float)(1 - Ratio));
        for (int i = 0; i < noise.Length; i++)
        {
            float power = ofNoise * MathF.Exp(noise[i] - Mean) + ofClean * MathF.Exp(clean[i] - statistics.Mean);
            noise[i] = MathF.Log(MathF.Max(power, LogMel.PowerFloor)) / statistics.Std;
        }
    }

    /// <summary>Reads a random crop of a random clip of noise; a clip that cannot be used gives its place to the next.</summary>
    /// <param name="choice">Draws the clip, then where its crop starts.</param>
    /// <param name="options">Length of the crop, and what follows a clip that is shorter.</param>
    /// <param name="badFiles">Receives the clips that cannot be used.</param>
    /// <param name="window">[F, T], receives the crop.</param>
    /// <exception cref="UserErrorException">Every clip of the noise is bad.</exception>
    internal void ReadCrop(RandomStream choice, BatchOptions options, BadFiles badFiles, float[] window)
    {
        int clips = Source.Clips.Count, first = choice.NextInt32(clips);
        badFiles.UseFirst(clips, attempt => Source.ReadCrop((first + attempt) % clips, choice, options.Geometry.Frames, options.ShortClips, window));
    }
}

namespace OtoMask.Audio;

/// <summary>Sound of a log-mel, or of a part of one: to hear what a model sees, and what it makes of the rest.</summary>
/// <remarks>Thread-safe. One call runs on the calling thread.</remarks>
internal sealed class LogMelSynthesis
{
    private const int RoundsOfPower = 30, RoundsOfPhase = 60;
    private const float Momentum = 0.99f, Tiny = 1e-12f;

    private readonly LogMelSettings settings;
    private readonly ShortTimeTransform transform;
    private readonly (int Band, float Weight)[][] bandsOf; // of a bin
    private readonly (int Bin, float Weight)[][] binsOf; // of a band

    /// <param name="settings">The front end of the log-mels.</param>
    public LogMelSynthesis(LogMelSettings settings)
    {
        (this.settings, transform) = (settings, new ShortTimeTransform(settings));
        float[] weights = LogMelExtractor.FilterBank(settings);
        int bins = settings.FftSize / 2 + 1;
        bandsOf = [.. Enumerable.Range(0, bins).Select(bin => Enumerable.Range(0, settings.Bands).Select(band => (band, weights[band * bins + bin])).Where(part => part.Item2 > 0).ToArray())];
        binsOf = [.. Enumerable.Range(0, settings.Bands).Select(band => Enumerable.Range(0, bins).Select(bin => (bin, weights[band * bins + bin])).Where(part => part.Item2 > 0).ToArray())];
    }

    /// <summary>A sound with a part of its spectrogram silenced.</summary>
    /// <remarks>A frequency between a heard and a silenced band is as loud as the share of it that falls to the heard one. Phases are the sound's own.</remarks>
    /// <param name="waveform">The sound.</param>
    /// <param name="isHeard">[F, T] of its log-mel; T may be less than its frames: the rest is silent.</param>
    public float[] Part(ReadOnlySpan<float> waveform, bool[] isHeard)
    {
        ShortTimeSpectrum spectrum = transform.Forward(waveform);
        int frames = isHeard.Length / settings.Bands;
        for (int bin = 0; bin < spectrum.Bins; bin++)
        {
            float all = bandsOf[bin].Sum(part => part.Weight);
            for (int frame = 0; frame < spectrum.Frames; frame++)
            {
                float heard = 0;
                foreach ((int band, float weight) in frame < frames ? bandsOf[bin] : [])
                    heard += isHeard[band * frames + frame] ? weight : 0;
                float gain = heard / Math.Max(all, Tiny);
                spectrum.Re[bin * spectrum.Stride + frame] *= gain;
                spectrum.Im[bin * spectrum.Stride + frame] *= gain;
            }
        }
        return transform.Inverse(spectrum, waveform.Length);
    }

    /// <summary>A sound that has about the log-mel given.</summary>
    /// <remarks>Power of the bins by multiplicative updates (Lee and Seung, 2001), phases by the fast algorithm of Griffin and Lim (Perraudin, Balazs and Søndergaard, 2013).</remarks>
    /// <param name="logMel">[F, T].</param>
    /// <param name="beginning">A sound whose phases it begins with, such as the part that is known, of T frames or a few samples less.</param>
    /// <returns>As many samples as <paramref name="beginning"/>.</returns>
    public float[] Whole(LogMel logMel, ReadOnlySpan<float> beginning)
    {
        ShortTimeSpectrum now = transform.Forward(beginning);
        float[] magnitudes = Magnitudes(logMel, now);
        int samples = beginning.Length;
        float[] lastRe = new float[now.Re.Length], lastIm = new float[now.Im.Length];
        for (int round = 0; ; round++)
        {
            for (int i = 0; i < magnitudes.Length; i++)
            {
                float length = MathF.Sqrt(now.Re[i] * now.Re[i] + now.Im[i] * now.Im[i]);
                (now.Re[i], now.Im[i]) = length > Tiny ? (now.Re[i] / length * magnitudes[i], now.Im[i] / length * magnitudes[i]) : (magnitudes[i], 0);
            }
            float[] sound = transform.Inverse(now, samples);
            if (round == RoundsOfPhase)
                return sound;
            ShortTimeSpectrum next = transform.Forward(sound);
            float momentum = round == 0 ? 0 : Momentum;
            for (int i = 0; i < magnitudes.Length; i++)
            {
                (float re, float im) = (next.Re[i], next.Im[i]);
                now.Re[i] = re + momentum * (re - lastRe[i]);
                now.Im[i] = im + momentum * (im - lastIm[i]);
                (lastRe[i], lastIm[i]) = (re, im);
            }
        }
    }

    /// <summary>[Bins, Stride], amplitudes whose mel powers are those of the log-mel; silence where it has no frame.</summary>
    private float[] Magnitudes(LogMel logMel, ShortTimeSpectrum like)
    {
        var magnitudes = new float[like.Re.Length];
        float[] power = new float[like.Bins], wanted = new float[logMel.Bands], ratio = new float[logMel.Bands];
        for (int frame = 0; frame < Math.Min(like.Frames, logMel.Frames); frame++)
        {
            for (int band = 0; band < wanted.Length; band++)
                wanted[band] = MathF.Max(0, MathF.Exp(logMel.Values[band * logMel.Frames + frame]) - LogMel.PowerFloor);
            for (int bin = 0; bin < power.Length; bin++)
                power[bin] = bandsOf[bin].Length > 0 ? bandsOf[bin].Average(part => wanted[part.Band]) : 0;
            for (int round = 0; round < RoundsOfPower; round++)
            {
                for (int band = 0; band < wanted.Length; band++)
                {
                    float got = 0;
                    foreach ((int bin, float weight) in binsOf[band])
                        got += weight * power[bin];
                    ratio[band] = wanted[band] / MathF.Max(got, Tiny);
                }
                for (int bin = 0; bin < power.Length; bin++)
                {
                    (float above, float below) = (0, 0);
                    foreach ((int band, float weight) in bandsOf[bin])
                        (above, below) = (above + weight * ratio[band], below + weight);
                    power[bin] *= below > 0 ? above / below : 0;
                }
            }
            for (int bin = 0; bin < power.Length; bin++)
                magnitudes[bin * like.Stride + frame] = MathF.Sqrt(power[bin]);
        }
        return magnitudes;
    }
}

namespace OtoMask.Audio;

/// <summary>The complex spectrum of every frame of a sound.</summary>
internal sealed class ShortTimeSpectrum
{
    /// <summary>Silence.</summary>
    /// <param name="bins">FftSize / 2 + 1.</param>
    /// <param name="frames">Frames in time.</param>
    public ShortTimeSpectrum(int bins, int frames)
    {
        (Bins, Frames, Stride) = (bins, frames, (frames + EightLanes.Count - 1) / EightLanes.Count * EightLanes.Count);
        (Re, Im) = (new float[bins * Stride], new float[bins * Stride]);
    }

    /// <summary>FftSize / 2 + 1.</summary>
    public int Bins { get; }

    /// <summary>Frames in time.</summary>
    public int Frames { get; }

    /// <summary>Numbers from one bin to the next: the frames, rounded up to whole vectors.</summary>
    public int Stride { get; }

    /// <summary>[Bins, Stride], real parts.</summary>
    public float[] Re { get; }

    /// <summary>[Bins, Stride], imaginary parts.</summary>
    public float[] Im { get; }
}

/// <summary>From a sound to the complex spectra of the front end's frames (docs/method.md section 1), and back.</summary>
/// <remarks>Back it goes by weighted overlap-add, which of all sounds gives the one whose spectra are nearest (Griffin and Lim, 1984). Thread-safe.</remarks>
/// <param name="settings">The front end.</param>
internal sealed class ShortTimeTransform(LogMelSettings settings)
{
    private const float LeastWeight = 1e-3f; // where no frame's window reaches, nothing is known
    private readonly int size = settings.FftSize, hop = settings.HopSize, half = settings.FftSize / 2;
    private readonly float[] window = [.. Enumerable.Range(0, settings.FftSize).Select(n => (float)LogMelExtractor.Hann(n, settings.FftSize))];
    private readonly LaneFft<EightLanes> fft = new(settings.FftSize);

    /// <summary>The spectra of a sound.</summary>
    /// <param name="waveform">At least one sample.</param>
    public ShortTimeSpectrum Forward(ReadOnlySpan<float> waveform)
    {
        var spectrum = new ShortTimeSpectrum(half + 1, waveform.Length / hop + 1);
        var points = new ComplexLanes<EightLanes>[size];
        Span<float> lanes = stackalloc float[EightLanes.Count];
        for (int first = 0; first < spectrum.Frames; first += lanes.Length)
        {
            for (int n = 0; n < size; n++)
            {
                for (int lane = 0; lane < lanes.Length; lane++)
                    lanes[lane] = first + lane < spectrum.Frames ? window[n] * waveform[LogMelExtractor.Reflect((first + lane) * hop + n - half, waveform.Length)] : 0;
                points[fft.Place[n]] = new(EightLanes.Load(ref lanes[0]), default);
            }
            fft.Transform(points);
            for (int bin = 0; bin <= half; bin++)
            {
                points[bin].Re.Store(ref spectrum.Re[bin * spectrum.Stride + first]);
                points[bin].Im.Store(ref spectrum.Im[bin * spectrum.Stride + first]);
            }
        }
        return spectrum;
    }

    /// <summary>The sound of spectra.</summary>
    /// <param name="spectrum">The spectra; imaginary parts of the lowest and the highest bin count for nothing.</param>
    /// <param name="samples">Its length, for which there are as many frames.</param>
    public float[] Inverse(ShortTimeSpectrum spectrum, int samples)
    {
        var sound = new float[samples];
        var weight = new float[samples];
        var points = new ComplexLanes<EightLanes>[size];
        Span<float> lanes = stackalloc float[EightLanes.Count];
        EightLanes zero = default;
        for (int first = 0; first < spectrum.Frames; first += lanes.Length)
        {
            // The inverse is the conjugate of the transform of the conjugates; the sound is real, so that its spectrum is symmetric.
            for (int bin = 0; bin <= half; bin++)
            {
                EightLanes re = EightLanes.Load(ref spectrum.Re[bin * spectrum.Stride + first]), im = EightLanes.Load(ref spectrum.Im[bin * spectrum.Stride + first]);
                bool isReal = bin == 0 || bin == half;
                points[fft.Place[bin]] = new(re, isReal ? zero : zero - im);
                if (!isReal)
                    points[fft.Place[size - bin]] = new(re, im);
            }
            fft.Transform(points);
            for (int n = 0; n < size; n++)
            {
                points[n].Re.Store(ref lanes[0]);
                for (int lane = 0; lane < lanes.Length && first + lane < spectrum.Frames; lane++)
                {
                    int place = (first + lane) * hop + n - half;
                    if ((uint)place >= (uint)samples)
                        continue;
                    sound[place] += window[n] * lanes[lane] / size;
                    weight[place] += window[n] * window[n];
                }
            }
        }
        for (int i = 0; i < samples; i++)
            sound[i] /= Math.Max(weight[i], LeastWeight);
        return sound;
    }
}

using System.Runtime.Intrinsics;

namespace OtoMask.Audio;

/// <summary>
/// Waveform to log-mel spectrogram, to the letter of docs/method.md section 1: centred short-time Fourier transform (periodic
/// Hann window, reflected ends), power, Slaney mel bands, natural log of (power + 1.1920929e-07).
/// </summary>
/// <remarks>Thread-safe. One call runs on the calling thread; callers run clips in parallel.</remarks>
public sealed class LogMelExtractor
{
    private readonly LogMelSettings settings;
    private readonly ILogMelKernel kernel;

    /// <summary>Prepares windows, filters and the Fourier transform of a front end.</summary>
    /// <param name="settings">The geometry, for example <see cref="LogMelSettings.Default"/>.</param>
    /// <exception cref="ArgumentException">The geometry is impossible, or FftSize / 2 has a prime factor above 5.</exception>
    public LogMelExtractor(LogMelSettings settings)
    {
        Check(settings);
        this.settings = settings;
        kernel = Vector512.IsHardwareAccelerated ? new LogMelKernel<SixteenLanes>(settings)
            : Vector256.IsHardwareAccelerated ? new LogMelKernel<EightLanes>(settings)
            : new LogMelKernel<FourLanes>(settings);
    }

    /// <summary>T of a waveform: samples / hop + 1, in whole numbers.</summary>
    public int FrameCount(int samples) => samples / settings.HopSize + 1;

    /// <summary>The log-mel spectrogram [Bands, FrameCount(samples)] of a mono waveform.</summary>
    /// <remarks>Half a frame is reflected at either end without repeating the end sample; a waveform shorter than that is
    /// reflected back and forth as often as needed, so a single sample counts as a constant.</remarks>
    /// <param name="waveform">Samples in about -1..1 at the settings' sample rate; at least one.</param>
    /// <exception cref="ArgumentException">There is no sample.</exception>
    public LogMel Compute(ReadOnlySpan<float> waveform)
    {
        if (waveform.IsEmpty)
            throw new ArgumentException("a log-mel spectrogram needs at least one sample", nameof(waveform));
        int frames = FrameCount(waveform.Length);
        float[] values = GC.AllocateUninitializedArray<float>(checked(settings.Bands * frames));
        kernel.Compute(waveform, values, frames);
        return new LogMel(settings.Bands, frames, values);
    }

    /// <summary>The mel weights [Bands, FftSize / 2 + 1] from the power of an FFT bin to the power of a band.</summary>
    internal static float[] FilterBank(LogMelSettings settings)
    {
        Check(settings);
        return MelFilterBank.Weights(settings);
    }

    /// <summary>The periodic window of Hann.</summary>
    internal static double Hann(int sample, int size) => 0.5 - 0.5 * Math.Cos(2 * Math.PI * sample / size);

    /// <summary>The sample that stands for one before the beginning or after the end: the sound is reflected there, without repeating the end sample.</summary>
    internal static int Reflect(int place, int length)
    {
        int period = Math.Max(1, 2 * (length - 1)), folded = Math.Abs(place) % period;
        return Math.Min(folded, period - folded);
    }

    private static void Check(LogMelSettings settings)
    {
        if (settings.SampleRate < 1 || settings.FftSize < 2 || settings.FftSize % 2 != 0 || settings.HopSize < 1 || settings.Bands < 1)
            throw new ArgumentException($"impossible front end {settings}: sizes must be positive and FftSize even", nameof(settings));
        if (!(settings.MinHz >= 0 && settings.MinHz < settings.MaxHz && settings.MaxHz <= settings.SampleRate / 2.0))
            throw new ArgumentException($"impossible front end {settings}: 0 <= MinHz < MaxHz <= SampleRate / 2 must hold", nameof(settings));
    }
}

namespace OtoMask.Audio;

/// <summary>The front end's geometry (docs/method.md section 1).</summary>
/// <param name="SampleRate">Samples a second of the waveform, in Hz.</param>
/// <param name="FftSize">Length of a frame and of its periodic Hann window, in samples; even, half of it a product of 2, 3, 4 and 5.</param>
/// <param name="HopSize">Samples between the centres of two frames.</param>
/// <param name="Bands">Mel bands.</param>
/// <param name="MinHz">Lower edge of the lowest band, in Hz.</param>
/// <param name="MaxHz">Upper edge of the highest band, in Hz; at most half the sample rate.</param>
public sealed record LogMelSettings(
    int SampleRate = 16000, int FftSize = 400, int HopSize = 160, int Bands = 80, double MinHz = 50, double MaxHz = 8000)
{
    private const int MostBands = 1024;

    /// <summary>16 kHz, 80 bands of 50-8000 Hz, 100 frames a second.</summary>
    public static LogMelSettings Default { get; } = new();

    /// <summary>32 kHz, 80 bands of 50-16000 Hz, 100 frames a second.</summary>
    public static LogMelSettings ThirtyTwoKilohertz { get; } = new(32000, 800, 320, 80, 50, 16000);

    /// <summary>The front end of a sampling rate, with a number of mel bands.</summary>
    /// <exception cref="UserErrorException">There is none for that rate, or with so many bands.</exception>
    public static LogMelSettings Of(int sampleRate, int bands) => sampleRate switch
    {
        _ when bands > MostBands => throw new UserErrorException($"{bands} mel bands: a frame has but a few hundred frequencies; choose at most {MostBands}, for example `input` 80x608"),
        16000 => Default with { Bands = bands },
        32000 => ThirtyTwoKilohertz with { Bands = bands },
        _ => throw new UserErrorException($"sample-rate {sampleRate}: choose 16000 or 32000"),
    };
}

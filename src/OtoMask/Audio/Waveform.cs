namespace OtoMask.Audio;

/// <summary>Sound in memory.</summary>
/// <param name="Samples">One channel, in about -1..1; at least one sample.</param>
/// <param name="SampleRate">Samples a second, in Hz, 100 to 1,536,000.</param>
public readonly record struct Waveform(ReadOnlyMemory<float> Samples, int SampleRate)
{
    /// <summary>Refuses what is no sound, or too short for a sample at another rate.</summary>
    /// <param name="samples">One channel.</param>
    /// <param name="sampleRate">Their rate in Hz.</param>
    /// <param name="wanted">The other rate in Hz.</param>
    /// <param name="number">Which of many it is, from 0; null where there is one.</param>
    /// <exception cref="ArgumentException">There is no sample, some are NaN, infinite or absurd, or too few.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The sample rate is impossible.</exception>
    internal static void Require(ReadOnlySpan<float> samples, int sampleRate, int wanted, int? number = null)
    {
        string which = number is { } index ? $"sound {index}: " : "", name = number is null ? nameof(samples) : "sounds";
        if (sampleRate is < AudioDecoder.LowestRate or > AudioDecoder.HighestRate)
            throw new ArgumentOutOfRangeException(number is null ? nameof(sampleRate) : name, sampleRate, $"{which}a sample rate lies within {AudioDecoder.LowestRate} and {AudioDecoder.HighestRate} Hz");
        if (samples.IsEmpty)
            throw new ArgumentException($"{which}there is no sample", name);
        if (Believable.ProblemOfSamples(samples) is { } problem)
            throw new ArgumentException($"{which}the sound {problem}", name);
        bool isShort = samples.Length < 2L * sampleRate / wanted;
        if (isShort && Resampler.Resample(samples, sampleRate, wanted).Length == 0)
            throw new ArgumentException($"{which}{samples.Length} samples at {sampleRate} Hz do not make one at {wanted} Hz", name);
    }

    /// <summary>Refuses, before any work, what of many is no sound.</summary>
    /// <inheritdoc cref="Require(ReadOnlySpan{float}, int, int, int?)" path="/exception"/>
    internal static void RequireAll(IReadOnlyList<Waveform> sounds, int wanted)
    {
        ArgumentNullException.ThrowIfNull(sounds);
        for (int i = 0; i < sounds.Count; i++)
            Require(sounds[i].Samples.Span, sounds[i].SampleRate, wanted, i);
    }

    /// <summary>The samples at another rate.</summary>
    internal ReadOnlyMemory<float> At(int sampleRate) => sampleRate == SampleRate ? Samples : Resampler.Resample(Samples.Span, SampleRate, sampleRate);
}

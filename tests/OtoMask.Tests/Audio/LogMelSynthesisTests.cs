using OtoMask.Audio;
using OtoMask.Randomness;

namespace OtoMask.Tests.Audio;

/// <summary>Spectra of the front end's frames, there and back, and sound of log-mels.</summary>
public sealed class LogMelSynthesisTests
{
    private const int Rate = 16000;

    private static LogMelSettings FrontEnd => LogMelSettings.Default;

    public static TheoryData<int> Lengths => [1, 2, 159, 160, 161, 399, 400, 1000, 16000, 20011];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void There_and_back_a_sound_is_itself(int samples)
    {
        foreach (LogMelSettings settings in (LogMelSettings[])[LogMelSettings.Default, LogMelSettings.ThirtyTwoKilohertz])
        {
            float[] sound = Noise(samples);
            var transform = new ShortTimeTransform(settings);
            ShortTimeSpectrum spectrum = transform.Forward(sound);
            Assert.Equal(new LogMelExtractor(settings).FrameCount(samples), spectrum.Frames);
            float[] back = transform.Inverse(spectrum, samples);
            // Only where no window reaches with weight (the samples beyond the last centre by almost half a frame, of which there are none) would something be lost.
            Assert.All(back.Zip(sound), pair => Assert.Equal(pair.Second, pair.First, 1e-5));
        }
    }

    [Fact]
    public void The_spectra_are_those_of_the_front_end()
    {
        float[] sound = Noise(4000), weights = LogMelExtractor.FilterBank(FrontEnd);
        LogMel logMel = new LogMelExtractor(FrontEnd).Compute(sound);
        ShortTimeSpectrum spectrum = new ShortTimeTransform(FrontEnd).Forward(sound);
        for (int band = 0; band < logMel.Bands; band += 7)
        {
            for (int frame = 0; frame < logMel.Frames; frame++)
            {
                double power = 0;
                for (int bin = 0; bin < spectrum.Bins; bin++)
                {
                    int at = bin * spectrum.Stride + frame;
                    power += weights[band * spectrum.Bins + bin] * (spectrum.Re[at] * spectrum.Re[at] + spectrum.Im[at] * spectrum.Im[at]);
                }
                Assert.Equal(logMel.Values[band * logMel.Frames + frame], Math.Log(power + LogMel.PowerFloor), 1e-3);
            }
        }
    }

    [Fact]
    public void What_is_not_heard_is_silent_and_the_rest_is_as_it_was()
    {
        float[] low = Tone(500, Rate), high = Tone(4000, Rate), both = [.. low.Zip(high, (a, b) => a + b)];
        LogMel logMel = new LogMelExtractor(FrontEnd).Compute(both);
        var synthesis = new LogMelSynthesis(FrontEnd);
        bool[] Heard(Func<int, int, bool> isHeard) => [.. Enumerable.Range(0, logMel.Values.Length).Select(i => isHeard(i / logMel.Frames, i % logMel.Frames))];

        Assert.True(Distance(synthesis.Part(both, Heard((_, _) => true)), both) < 0.01);
        Assert.All(synthesis.Part(both, Heard((_, _) => false)), sample => Assert.Equal(0, sample));
        Assert.True(Distance(synthesis.Part(both, Heard((band, _) => band < 40)), low) < 0.02);   // band 40 is at 2 kHz
        Assert.True(Distance(synthesis.Part(both, Heard((band, _) => band >= 40)), high) < 0.02);
        float[] half = synthesis.Part(both, Heard((_, frame) => frame < 50));
        Assert.True(Distance(half[..7000], both[..7000]) < 0.01);
        Assert.All(half[9000..], sample => Assert.Equal(0, sample));
        Assert.All(synthesis.Part(both, new bool[80 * 10])[3000..], sample => Assert.Equal(0, sample));   // a log-mel that ends before the sound
    }

    [Fact]
    public void A_sound_of_a_log_mel_has_about_that_log_mel_whatever_phases_it_begins_with()
    {
        float[] sound = [.. Tone(440, 2 * Rate).Zip(Tone(1500, 2 * Rate), Noise(2 * Rate)).Select(part => part.First + part.Second + 0.05f * part.Third)];
        var extractor = new LogMelExtractor(FrontEnd);
        LogMel wanted = extractor.Compute(sound);
        var synthesis = new LogMelSynthesis(FrontEnd);
        foreach (float[] beginning in (float[][])[sound, new float[sound.Length], Noise(sound.Length)])
        {
            float[] made = synthesis.Whole(wanted, beginning);
            Assert.Equal(sound.Length, made.Length);
            LogMel got = extractor.Compute(made);
            double off = wanted.Values.Zip(got.Values, (a, b) => Math.Abs(a - b)).Average();
            Assert.True(off < 0.35, $"{off}");   // nepers of power; chance, noise of the right loudness, is at 2
        }
        Assert.All(synthesis.Whole(new LogMel(80, 201, [.. Enumerable.Repeat(LogMel.Silence, 80 * 201)]), sound), sample => Assert.Equal(0, sample, 1e-6));
    }

    private static float[] Tone(double hertz, int samples) => [.. Enumerable.Range(0, samples).Select(i => (float)(0.3 * Math.Sin(2 * Math.PI * hertz * i / Rate)))];

    private static float[] Noise(int samples)
    {
        var random = new RandomStream(3, RandomPurpose.Crop);
        return [.. Enumerable.Range(0, samples).Select(_ => random.NextSingle() - 0.5f)];
    }

    /// <summary>Root mean square of the difference over that of the second, but for a frame at either end.</summary>
    private static double Distance(float[] got, float[] wanted)
    {
        const int Edge = 800;
        (double off, double all) = (0, 0);
        for (int i = Edge; i < wanted.Length - Edge; i++)
            (off, all) = (off + Math.Pow(got[i] - wanted[i], 2), all + Math.Pow(wanted[i], 2));
        return Math.Sqrt(off / all);
    }
}

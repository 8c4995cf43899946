using FsCheck;
using FsCheck.Fluent;
using OtoMask.Audio;
using OtoMask.Randomness;

namespace OtoMask.Tests.Audio;

public class LogMelTests
{
    private static readonly LogMelExtractor Extractor = new(LogMelSettings.Default);

    public static TheoryData<LogMelSettings> Geometries => new(
        LogMelSettings.Default,
        LogMelSettings.ThirtyTwoKilohertz,
        new LogMelSettings(8000, 360, 100, 24, 0, 4000),
        new LogMelSettings(16000, 512, 700, 40, 100, 7000),
        new LogMelSettings(100, 2, 1, 1, 0, 50));

    [Theory]
    [MemberData(nameof(Geometries))]
    public void Every_vector_width_agrees_with_a_naive_transform_in_double_precision(LogMelSettings settings)
    {
        float[] wave = Noise(settings.HopSize * 21 + settings.FftSize + 7, amplitude: 0.3f);
        double[] expected = Naive(wave, settings);
        foreach (ILogMelKernel kernel in (ILogMelKernel[])[new LogMelKernel<SixteenLanes>(settings), new LogMelKernel<EightLanes>(settings), new LogMelKernel<FourLanes>(settings)])
        {
            float[] actual = new float[expected.Length];
            kernel.Compute(wave, actual, expected.Length / settings.Bands);
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], 1e-4);
        }
    }

    [Fact]
    public void A_clip_of_any_length_has_samples_over_hop_plus_one_frames_and_agrees_with_the_naive_transform()
    {
        Prop.ForAll(Gen.Choose(1, 3000).ToArbitrary(), samples =>
        {
            float[] wave = Noise(samples, amplitude: 0.5f);
            LogMel actual = Extractor.Compute(wave);
            Assert.Equal(samples / 160 + 1, actual.Frames);
            double[] expected = Naive(wave, LogMelSettings.Default);
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual.Values[i], 1e-3);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(12));
    }

    [Fact]
    public void Ten_times_the_amplitude_is_a_hundred_times_the_power()
    {
        float[] quiet = Noise(16000, amplitude: 0.1f);
        LogMel low = Extractor.Compute(quiet), high = Extractor.Compute([.. quiet.Select(x => x * 10)]);
        for (int i = 0; i < low.Values.Length; i++)
            Assert.Equal(Math.Log((Math.Exp(low.Values[i]) - LogMel.PowerFloor) * 100 + LogMel.PowerFloor), high.Values[i], 1e-3);
    }

    [Fact]
    public void Silence_is_the_log_of_the_floor()
    {
        Assert.Equal(LogMel.Silence, Math.Log(1.1920929e-07), 1e-5);
        Assert.All(Extractor.Compute(new float[5000]).Values, value => Assert.Equal(LogMel.Silence, value, 1e-5));
    }

    [Fact]
    public void A_tone_is_loudest_in_the_band_around_it()
    {
        float[] tone = [.. Enumerable.Range(0, 16000).Select(i => MathF.Sin(2 * MathF.PI * 1000 * i / 16000))];
        LogMel logMel = Extractor.Compute(tone);
        float[] bank = LogMelExtractor.FilterBank(LogMelSettings.Default);
        int loudest = Enumerable.Range(0, 80).MaxBy(band => logMel.Values[band * logMel.Frames + 50]);
        Assert.True(bank[loudest * 201 + 25] > 0, $"band {loudest} has no weight at 1000 Hz");
    }

    [Fact]
    public void Frames_do_not_depend_on_what_else_the_clip_holds()
    {
        float[] wave = Noise(16000 * 4, amplitude: 0.5f);
        LogMel whole = Extractor.Compute(wave), part = Extractor.Compute(wave.AsSpan(160 * 100, 160 * 150));
        for (int band = 0; band < 80; band++)
            for (int frame = 2; frame < 148; frame++)
                Assert.Equal(whole.Values[band * whole.Frames + 100 + frame], part.Values[band * part.Frames + frame]);
    }

    [Fact]
    public void Threads_may_share_an_extractor()
    {
        float[][] waves = [.. Enumerable.Range(1, 16).Select(i => Noise(997 * i, amplitude: 1f / i))];
        float[][] expected = [.. waves.Select(wave => new LogMelExtractor(LogMelSettings.Default).Compute(wave).Values)];
        Parallel.For(0, 64, i => Assert.Equal(expected[i % 16], Extractor.Compute(waves[i % 16]).Values));
    }

    [Fact]
    public void Impossible_geometries_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new LogMelExtractor(LogMelSettings.Default with { FftSize = 401 }));
        Assert.Throws<ArgumentException>(() => new LogMelExtractor(LogMelSettings.Default with { MaxHz = 9000 }));
        Assert.Throws<ArgumentException>(() => new LogMelExtractor(LogMelSettings.Default with { MinHz = 8000 }));
        Assert.Contains("products of 2, 3, 4 and 5", Assert.Throws<ArgumentException>(() => new LogMelExtractor(LogMelSettings.Default with { FftSize = 14 })).Message);
        Assert.Throws<ArgumentException>(() => Extractor.Compute([]));
    }

    private static float[] Noise(int samples, float amplitude)
    {
        RandomStream random = new(7, RandomPurpose.Crop, index: samples);
        float[] wave = new float[samples];
        foreach (ref float sample in wave.AsSpan())
            sample = (random.NextSingle() * 2 - 1) * amplitude;
        return wave;
    }

    /// <summary>docs/method.md section 1 as it is written, [bands, frames], with no regard for time.</summary>
    private static double[] Naive(float[] wave, LogMelSettings settings)
    {
        int size = settings.FftSize, frames = wave.Length / settings.HopSize + 1, bins = size / 2 + 1;
        float[] bank = LogMelExtractor.FilterBank(settings);
        double[] logMel = new double[settings.Bands * frames];
        for (int frame = 0; frame < frames; frame++)
        {
            double[] windowed = [.. Enumerable.Range(0, size).Select(n =>
                wave[Reflect(frame * settings.HopSize - size / 2 + n, wave.Length)] * (0.5 - 0.5 * Math.Cos(2 * Math.PI * n / size)))];
            double[] power = [.. Enumerable.Range(0, bins).Select(k =>
            {
                double re = 0, im = 0;
                for (int n = 0; n < size; n++)
                {
                    (double sine, double cosine) = Math.SinCos(2 * Math.PI * ((long)k * n % size) / size);
                    re += windowed[n] * cosine;
                    im -= windowed[n] * sine;
                }
                return re * re + im * im;
            })];
            for (int band = 0; band < settings.Bands; band++)
                logMel[band * frames + frame] = Math.Log(1.1920929e-07 + power.Select((p, k) => p * bank[band * bins + k]).Sum());
        }
        return logMel;
    }

    private static int Reflect(int place, int length)
    {
        while (place < 0 || place >= length)
            place = length == 1 ? 0 : place < 0 ? -place : 2 * (length - 1) - place;
        return place;
    }
}

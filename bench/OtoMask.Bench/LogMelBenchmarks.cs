using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using OtoMask.Audio;
using OtoMask.Randomness;

namespace OtoMask.Bench;

/// <summary>Waveform to log-mel. Real-time factor = <see cref="Seconds"/> / time.</summary>
[SimpleJob(RunStrategy.Throughput, launchCount: 1, warmupCount: 3, iterationCount: 10)]
public class LogMelBenchmarks
{
    private const int Seconds = 60;
    private LogMelExtractor extractor = null!;
    private float[] waveform = [];

    [Params(16000, 32000)]
    public int SampleRate { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        extractor = new LogMelExtractor(SampleRate == 16000 ? LogMelSettings.Default : LogMelSettings.ThirtyTwoKilohertz);
        var random = new RandomStream(1, RandomPurpose.Crop);
        waveform = new float[Seconds * SampleRate];
        foreach (ref float sample in waveform.AsSpan())
            sample = random.NextSingle() - 0.5f;
    }

    [Benchmark]
    public LogMel OneThread() => extractor.Compute(waveform);

    /// <summary>As many clips as cores, a thread each: divide by the cores for the time of one clip.</summary>
    [Benchmark]
    public void AllCores() => Parallel.For(0, Environment.ProcessorCount, _ => extractor.Compute(waveform));
}

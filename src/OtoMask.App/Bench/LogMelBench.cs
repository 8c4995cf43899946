using System.Text.Json.Nodes;
using OtoMask.Audio;
using OtoMask.Randomness;

namespace OtoMask.App.Bench;

/// <summary>How fast waveforms become log-mels.</summary>
/// <param name="SampleRate">Hz.</param>
/// <param name="Threads">Cores given to this process.</param>
/// <param name="OneThread">Seconds of sound a second on one thread.</param>
/// <param name="AllThreads">Seconds of sound a second on all of them, a clip each.</param>
internal sealed record LogMelSpeed(int SampleRate, int Threads, double OneThread, double AllThreads);

/// <summary>Times the log-mel front end on clips of noise in memory; <c>otomask prepare</c> is the way to time files.</summary>
internal static class LogMelBench
{
    private const int ClipSeconds = 10, ClipsPerThread = 16;

    public static LogMelSpeed Run(LogMelSettings settings, ulong seed, double seconds, CancellationToken cancel)
    {
        var extractor = new LogMelExtractor(settings);
        float[] clip = Noise(settings.SampleRate * ClipSeconds, seed);
        return new(settings.SampleRate, Environment.ProcessorCount, Speed(1), Speed(Environment.ProcessorCount));

        double Speed(int threads)
        {
            var options = new ParallelOptions { MaxDegreeOfParallelism = threads };
            double time = Timing.MedianSeconds(seconds, cancel, _ => Parallel.For(0, threads * ClipsPerThread, options, _ => extractor.Compute(clip)));
            return threads * ClipsPerThread * ClipSeconds / time;
        }
    }

    public static JsonObject Json(LogMelSpeed speed) => new()
    {
        ["sample_rate"] = speed.SampleRate,
        ["clip_seconds"] = ClipSeconds,
        ["threads"] = speed.Threads,
        ["real_time_one_thread"] = Math.Round(speed.OneThread, 1),
        ["real_time"] = Math.Round(speed.AllThreads, 1),
    };

    public static void Write(LogMelSpeed speed, TextWriter console)
    {
        console.Tell($"log-mels of {ClipSeconds} s clips at {speed.SampleRate} Hz, waveforms in memory; median");
        console.Tell($"one thread    {speed.OneThread:F0} x real time");
        console.Tell($"{speed.Threads,-2} threads    {speed.AllThreads:F0} x real time");
    }

    private static float[] Noise(int samples, ulong seed)
    {
        var random = new RandomStream(seed, RandomPurpose.Crop);
        var waveform = new float[samples];
        foreach (ref float sample in waveform.AsSpan())
            sample = random.NextSingle() - 0.5f;
        return waveform;
    }
}

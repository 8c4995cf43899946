using System.Diagnostics;
using System.Text.Json.Nodes;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.App.Bench;

/// <summary>How fast an encoder embeds short clips.</summary>
/// <param name="Config">The encoder.</param>
/// <param name="ClipSeconds">Length of a clip.</param>
/// <param name="Clips">Clips of a round.</param>
/// <param name="Rounds">Rounds measured, each way in turn.</param>
/// <param name="Single">Clips a second, a call each; the median round.</param>
/// <param name="Together">Clips a second, all in one call; the median round.</param>
/// <param name="Gain">Median of the rounds' ratios.</param>
internal sealed record EmbedSpeed(PretrainingConfig Config, double ClipSeconds, int Clips, int Rounds, double Single, double Together, double Gain);

/// <summary>Times <see cref="Encoder"/> of random weights on clips of noise in memory: one call for each, and one for all.</summary>
internal static class EmbedBench
{
    private const int LeastRounds = 3;

    public static EmbedSpeed Run(PretrainingConfig config, double clipSeconds, int clips, double seconds, CancellationToken cancel)
    {
        using var encoder = new Encoder(EncoderSnapshot.Untrained(
            config.ModelShape.Encoder, config.Geometry, NormalisationStatistics.AudioSet, config.LogMel, config.Seed, Devices.Find(config.Device)));
        Waveform[] sounds = [.. Enumerable.Range(0, clips).Select(clip => Noise(config, clipSeconds, clip))];
        var rounds = new List<(double Single, double Together)>();
        Round(); // warms up
        for (var total = Stopwatch.StartNew(); total.Elapsed.TotalSeconds < seconds || rounds.Count < LeastRounds;)
            rounds.Add(Round());
        return new(
            config, clipSeconds, clips, rounds.Count, clips / Summary.Median(rounds.Select(round => round.Single)), clips / Summary.Median(rounds.Select(round => round.Together)),
            Summary.Median(rounds.Select(round => round.Single / round.Together)));

        (double, double) Round()
        {
            long begin = Stopwatch.GetTimestamp();
            foreach (Waveform sound in sounds)
                encoder.EncodeClip(sound.Samples.Span, sound.SampleRate, cancellation: cancel);
            long middle = Stopwatch.GetTimestamp();
            encoder.EncodeClips(sounds, cancellation: cancel);
            return (Stopwatch.GetElapsedTime(begin, middle).TotalSeconds, Stopwatch.GetElapsedTime(middle).TotalSeconds);
        }
    }

    public static JsonObject Json(EmbedSpeed speed) => new()
    {
        ["encoder"] = speed.Config.ModelShape.Encoder.ToString(),
        ["input"] = speed.Config.Input,
        ["patch"] = speed.Config.Patch,
        ["sample_rate"] = speed.Config.SampleRate,
        ["threads"] = TorchRuntime.Threads,
        ["kernels"] = TorchRuntime.Kernels.Name(),
        ["clip_seconds"] = speed.ClipSeconds,
        ["clips"] = speed.Clips,
        ["rounds"] = speed.Rounds,
        ["clips_per_second_single"] = Math.Round(speed.Single, 2),
        ["clips_per_second"] = Math.Round(speed.Together, 2),
        ["gain"] = Math.Round(speed.Gain, 2),
    };

    public static void Write(EmbedSpeed speed, TextWriter console)
    {
        console.Tell(FormattableString.Invariant($"encoder {speed.Config.ModelShape.Encoder}, input {speed.Config.Input}, {speed.Clips} clips of {speed.ClipSeconds} s, {TorchRuntime.Threads} threads; median of {speed.Rounds} rounds, both ways in turn"));
        console.Tell(FormattableString.Invariant($"a call each    {speed.Single:F1} clips/s"));
        console.Tell(FormattableString.Invariant($"one for all    {speed.Together:F1} clips/s, {speed.Gain:F2} times as many"));
    }

    private static Waveform Noise(PretrainingConfig config, double seconds, int clip)
    {
        var random = new RandomStream(config.Seed, RandomPurpose.Crop, 0, clip);
        var samples = new float[Math.Max(1, (int)(seconds * config.SampleRate))];
        foreach (ref float sample in samples.AsSpan())
            sample = random.NextSingle() - 0.5f;
        return new Waveform(samples, config.SampleRate);
    }
}

using System.Numerics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>One mean and one standard deviation over a whole data set: log-mels are normalised to (x - mean) / std (docs/method.md section 1).</summary>
/// <param name="Mean">Mean, in natural log units of power; AudioSet: -7.1.</param>
/// <param name="Std">Standard deviation in the same units, above 0; AudioSet: 4.2.</param>
public sealed record NormalisationStatistics(float Mean, float Std)
{
    /// <summary>Crops that are measured at most.</summary>
    public const int MaxCrops = 10_000;

    /// <summary>Crops that are measured at least: sets of fewer clips are cropped several times each.</summary>
    public const int MinCrops = 500;

    private const double SmallestStd = 1e-4;

    /// <summary>What AudioSet measures: for models whose data is not known.</summary>
    public static NormalisationStatistics AudioSet { get; } = new(-7.1f, 4.2f);

    /// <summary>Measures a data set on up to <see cref="MaxCrops"/> random crops, one per clip, padding included. The result does not depend on the threads.</summary>
    /// <param name="source">The data.</param>
    /// <param name="geometry">Size of a crop.</param>
    /// <param name="seed">The run's seed: decides clips and crops.</param>
    /// <param name="badFiles">Receives the clips that cannot be used; they are left out.</param>
    /// <param name="shortClips">What follows a clip shorter than the crop.</param>
    /// <param name="threads">Threads to use; 0 = all cores.</param>
    /// <param name="progress">Told (crops done, crops in all), from any thread.</param>
    /// <param name="cancellation">Stops the measurement.</param>
    /// <exception cref="UserErrorException">Every clip is bad, or all sound is alike (digital silence).</exception>
    public static NormalisationStatistics Measure(
        ClipSource source, InputGeometry geometry, ulong seed, BadFiles badFiles, ShortClips shortClips = ShortClips.Silence,
        int threads = 0, Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        int[] order = [.. Enumerable.Range(0, source.Clips.Count)];
        var shuffle = new RandomStream(seed, RandomPurpose.Statistics);
        shuffle.Shuffle<int>(order);

        var moments = new Moments[Math.Clamp(order.Length, MinCrops, MaxCrops)];
        int done = 0;
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount,
            CancellationToken = cancellation,
        };
        float[] MeasureCrop(int draw, float[] window)
        {
            int clip = order[draw % order.Length];
            try
            {
                source.ReadCrop(clip, new RandomStream(seed, RandomPurpose.Statistics, 0, 1 + draw), geometry.Frames, shortClips, window);
                moments[draw] = Moments.Of(window);
            }
            catch (BadClipException bad)
            {
                badFiles.Add(bad.Path, bad.Reason);
            }
            progress?.Invoke(Interlocked.Increment(ref done), moments.Length);
            return window;
        }

        try
        {
            Parallel.For(0, moments.Length, parallel, () => new float[geometry.InputSize], (draw, _, window) => MeasureCrop(draw, window), _ => { });
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]); // such as a missing library: one reason is enough
        }
        return Summarise(moments, badFiles);
    }

    /// <summary>Normalises in place: (x - mean) / std.</summary>
    public void Apply(Span<float> logMel)
    {
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logMel);
        var (mean, std) = (new Vector<float>(Mean), new Vector<float>(Std));
        foreach (ref Vector<float> x in vectors)
            x = (x - mean) / std;
        foreach (ref float x in logMel[(vectors.Length * Vector<float>.Count)..])
            x = (x - Mean) / Std;
    }

    private static NormalisationStatistics Summarise(Moments[] moments, BadFiles badFiles)
    {
        var all = default(Moments);
        foreach (Moments crop in moments) // in order, so that rounding does not depend on the threads
            all = all.Join(crop);
        if (all.Count == 0)
            throw badFiles.WhenAllAreBad();
        double std = Math.Sqrt(all.SquaredDeviations / all.Count);
        return std > SmallestStd
            ? new NormalisationStatistics((float)all.Mean, (float)std)
            : throw new UserErrorException($"the sound of all clips is alike (log-mel mean {all.Mean:0.##}, standard deviation {std:0.#####}): is it all silence? name other data");
    }

    /// <summary>Count, mean and sum of squared deviations, joined as in Chan, Golub and LeVeque, 1979.</summary>
    private readonly record struct Moments(long Count, double Mean, double SquaredDeviations)
    {
        public static Moments Of(ReadOnlySpan<float> values)
        {
            double sum = 0;
            foreach (float value in values)
                sum += value;
            double mean = sum / values.Length, squares = 0;
            foreach (float value in values)
                squares += (value - mean) * (value - mean);
            return new Moments(values.Length, mean, squares);
        }

        public Moments Join(Moments other)
        {
            long count = Count + other.Count;
            if (count == 0)
                return this;
            double delta = other.Mean - Mean;
            return new Moments(count, Mean + delta * other.Count / count,
                SquaredDeviations + other.SquaredDeviations + delta * delta * Count * other.Count / count);
        }
    }
}

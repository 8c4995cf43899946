using System.Globalization;
using System.Runtime.ExceptionServices;
using OtoMask.Distributed;
using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>A look at random crops of a data set: up to <see cref="NormalisationStatistics.MaxCrops"/>, one per clip, several of each where there are few clips.</summary>
internal sealed class CropSurvey
{
    /// <summary>Natural log units from the middle of a data set. Between silence and full scale lie about 20, so no sound that keeps to full scale is ever as far.</summary>
    internal const double LeastFar = 25;

    /// <summary>How often as far as the others, which is what decides for log-mels of a wider scale, such as decibels.</summary>
    internal const double TimesAsFar = 6;

    private readonly ClipList clips;
    private readonly int[] order;
    private readonly Moments[] crops;

    private CropSurvey(ClipList clips, int[] order, Moments[] crops) => (this.clips, this.order, this.crops) = (clips, order, crops);

    /// <summary>Reads the crops, those of a group one after the other by another process. What comes of it depends neither on the threads nor on the processes.</summary>
    /// <inheritdoc cref="NormalisationStatistics.Measure" path="/param"/>
    public static CropSurvey Of(
        ClipSource source, InputGeometry geometry, ulong seed, BadFiles badFiles, ShortClips shortClips, int threads, IProgress<WorkProgress>? progress, CancellationToken cancellation,
        TrainingGroup group)
    {
        int[] order = [.. Enumerable.Range(0, source.Clips.Count)];
        var shuffle = new RandomStream(seed, RandomPurpose.Statistics);
        shuffle.Shuffle<int>(order);

        var crops = new Moments[Math.Clamp(order.Length, NormalisationStatistics.MinCrops, NormalisationStatistics.MaxCrops)];
        int done = 0, mine = (crops.Length - group.Rank + group.Size - 1) / group.Size;
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
                crops[draw] = Moments.Of(window);
            }
            catch (BadClipException bad)
            {
                badFiles.Add(bad.Path, bad.Reason);
            }
            progress?.Report(new WorkProgress("measure mean and deviation", Interlocked.Increment(ref done), mine));
            return window;
        }

        try
        {
            Parallel.For(0, mine, parallel, () => new float[geometry.InputSize], (draw, _, window) => MeasureCrop(group.Rank + draw * group.Size, window), _ => { });
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]); // such as a missing library: one reason is enough
        }
        badFiles.Share(group);
        return new CropSurvey(source.Clips, order, Joined(crops, group));
    }

    /// <summary>What all have measured: each has zeros where it has not, and a sum of one number and zeros is that number.</summary>
    private static Moments[] Joined(Moments[] crops, TrainingGroup group)
    {
        double[] numbers = [.. crops.SelectMany(crop => (double[])[crop.Count, crop.Mean, crop.SquaredDeviations])];
        group.Sum(numbers);
        return [.. numbers.Chunk(3).Select(crop => new Moments((long)crop[0], crop[1], crop[2]))];
    }

    /// <summary>The clips whose values lie far outside those of all others, in the clips' order: of another scale, damaged, or no log-mel at all.</summary>
    /// <remarks>
    /// The middle is the median of the clips' means, which a minority cannot move. A clip is far outside when the root mean square distance of its values from
    /// there is above <see cref="LeastFar"/> and above <see cref="TimesAsFar"/> times the median of these distances: so one of two is never.
    /// </remarks>
    public IReadOnlyList<LeftOutClip> FarOutside()
    {
        var ofClips = new Moments[Math.Min(order.Length, crops.Length)];
        for (int draw = 0; draw < crops.Length; draw++)
            ofClips[draw % order.Length] = ofClips[draw % order.Length].Join(crops[draw]);
        Moments[] read = [.. ofClips.Where(clip => clip.Count > 0)];
        if (read.Length == 0)
            return [];

        double middle = Median(read.Select(clip => clip.Mean)), usual = Median(read.Select(clip => clip.DistanceFrom(middle)));
        double far = Math.Max(LeastFar, TimesAsFar * usual);
        return
        [
            .. Enumerable.Range(0, ofClips.Length).Where(i => ofClips[i].Count > 0 && ofClips[i].DistanceFrom(middle) > far).OrderBy(i => order[i])
                .Select(i => new LeftOutClip(clips[order[i]].Name, string.Create(CultureInfo.InvariantCulture,
                    $"its log-mel lies far outside all others (mean {ofClips[i].Mean:0.#}, deviation {ofClips[i].Std:0.#}; they lie within about {usual:0.#} of {middle:0.#})"))),
        ];
    }

    /// <summary>Moments of all crops but those of clips that are left out.</summary>
    public Moments Without(IReadOnlyList<LeftOutClip> leftOut)
    {
        HashSet<string> names = [.. leftOut.Select(clip => clip.Name)];
        var all = default(Moments);
        for (int draw = 0; draw < crops.Length; draw++) // in order, so that rounding does not depend on the threads
        {
            if (!names.Contains(clips[order[draw % order.Length]].Name))
                all = all.Join(crops[draw]);
        }
        return all;
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

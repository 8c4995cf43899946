using System.Numerics;
using System.Runtime.InteropServices;

using OtoMask.Distributed;
using OtoMask.Geometry;

namespace OtoMask.Data;

/// <summary>One mean and one standard deviation over a whole data set: log-mels are normalised to (x - mean) / std (docs/method.md section 1).</summary>
/// <param name="Mean">Mean, in natural log units of power; AudioSet: -7.1.</param>
/// <param name="Std">Standard deviation in the same units, above 0; AudioSet: 4.2.</param>
public sealed record NormalisationStatistics(float Mean, float Std)
{
    /// <summary>Crops that are measured at most.</summary>
    internal const int MaxCrops = 10_000;

    /// <summary>Crops that are measured at least: sets of fewer clips are cropped several times each.</summary>
    internal const int MinCrops = 500;

    private const double SmallestStd = 1e-4;

    /// <summary>What AudioSet measures: for models whose data is not known.</summary>
    public static NormalisationStatistics AudioSet { get; } = new(-7.1f, 4.2f);

    /// <summary>
    /// Measures a data set on up to <see cref="MaxCrops"/> random crops, one per clip, padding included. The result does not depend on the threads.
    /// A clip that lies far outside all others would ruin both numbers, so it does not count, and <paramref name="source"/> leaves it out from then on.
    /// </summary>
    /// <param name="source">The data.</param>
    /// <param name="geometry">Size of a crop.</param>
    /// <param name="seed">The run's seed: decides clips and crops.</param>
    /// <param name="badFiles">Receives the clips that cannot be used; they are left out.</param>
    /// <param name="shortClips">What follows a clip shorter than the crop.</param>
    /// <param name="threads">Threads to use; 0 = all cores.</param>
    /// <param name="progress">Told of crops, from any thread; or null.</param>
    /// <param name="cancellation">Stops the measurement.</param>
    /// <param name="group">Processes that share the crops; all get what one would. Null = this one alone.</param>
    /// <exception cref="UserErrorException">Every clip is bad, or all sound is alike (digital silence).</exception>
    internal static NormalisationStatistics Measure(
        ClipSource source, InputGeometry geometry, ulong seed, BadFiles badFiles, ShortClips shortClips = ShortClips.Silence,
        int threads = 0, IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default, TrainingGroup? group = null)
    {
        CropSurvey survey = CropSurvey.Of(source, geometry, seed, badFiles, shortClips, threads, progress, cancellation, group ?? TrainingGroup.Alone);
        source.LeaveOut(survey.FarOutside(), badFiles);
        return Summarise(survey.Without(source.LeftOut), badFiles);
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

    private static NormalisationStatistics Summarise(Moments all, BadFiles badFiles)
    {
        if (all.Count == 0)
            throw badFiles.WhenAllAreBad();
        return all.Std > SmallestStd
            ? new NormalisationStatistics((float)all.Mean, (float)all.Std)
            : throw new UserErrorException($"the sound of all clips is alike (log-mel mean {all.Mean:0.##}, standard deviation {all.Std:0.#####}): is it all silence? name other data");
    }
}

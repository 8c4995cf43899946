using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Evaluation;

/// <summary>Where a clip longer than the unit length is cut.</summary>
public enum ClipView
{
    /// <summary>At a random place, as training and validation see it.</summary>
    RandomCrop,

    /// <summary>From sample 0, as the test sees it.</summary>
    FromStart,
}

/// <summary>
/// The clips of a task at unit length, as log-mels (docs/evaluation.md section 1.1): longer clips are cropped, shorter ones
/// zero-padded right. Every encoder, seed and fold gets the same crops.
/// </summary>
public sealed class TaskClips
{
    private const int DefaultSeed = 42;
    private readonly LogMelExtractor extractor;
    private readonly ulong seed;
    private readonly LogMel?[] cropped, fromStart;
    private long memoryLeft;

    /// <summary>Reads nothing yet; clips are read when they are asked for.</summary>
    /// <param name="task">The clips and their labels.</param>
    /// <param name="logMel">The front end.</param>
    /// <param name="unitSamples">Unit length in samples at the front end's rate; see <see cref="UnitOf(InputGeometry, LogMelSettings)"/>.</param>
    /// <param name="seed">Decides the random crops.</param>
    /// <param name="memoryBudget">Bytes of log-mels that stay in memory for the next encoder; results do not depend on it.</param>
    public TaskClips(LabelledTask task, LogMelSettings logMel, int unitSamples, ulong seed = DefaultSeed, long memoryBudget = 1L << 30)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(unitSamples, 1);
        (Task, LogMel, UnitSamples, this.seed, memoryLeft) = (task, logMel, unitSamples, seed, memoryBudget);
        extractor = new LogMelExtractor(logMel);
        (cropped, fromStart) = (new LogMel?[task.Clips.Count], new LogMel?[task.Clips.Count]);
    }

    /// <summary>The clips and their labels.</summary>
    public LabelledTask Task { get; }

    /// <summary>The front end.</summary>
    public LogMelSettings LogMel { get; }

    /// <summary>Unit length in samples.</summary>
    public int UnitSamples { get; }

    /// <summary>The clips that could not be read; they are left out of every score.</summary>
    public BadFiles Unreadable { get; } = new();

    /// <summary>The unit length that fills a model's input to the last frame: one sample more would begin another frame, and with it a chunk of almost nothing.</summary>
    public static int UnitOf(InputGeometry input, LogMelSettings logMel) => input.Frames * logMel.HopSize - 1;

    /// <summary>Unit lengths in seconds.</summary>
    internal static NumberRange UnitRange { get; } = new(0, 3600) { IsAbove = true };

    /// <summary>The unit length of <paramref name="seconds"/>.</summary>
    /// <exception cref="UserErrorException">The seconds are not within <see cref="UnitRange"/>.</exception>
    public static int UnitOf(double seconds, LogMelSettings logMel)
    {
        UnitRange.Require("seconds", seconds);
        return Math.Max(1, (int)Math.Round(seconds * logMel.SampleRate));
    }

    /// <summary>The unit length of <paramref name="seconds"/> for an encoder; where none are given, the one that fills its input.</summary>
    /// <exception cref="UserErrorException">The seconds are not within <see cref="UnitRange"/>.</exception>
    public static int UnitOf(EncoderSnapshot encoder, double? seconds = null) => seconds is { } chosen ? UnitOf(chosen, encoder.LogMel) : UnitOf(encoder.Input, encoder.LogMel);

    /// <summary>The log-mel of one clip, or null if it cannot be read (see <see cref="Unreadable"/>). Thread-safe.</summary>
    /// <param name="clip">Position in the task.</param>
    /// <param name="view">Where a long clip is cut.</param>
    public LogMel? Read(int clip, ClipView view)
    {
        LogMel?[] kept = view == ClipView.FromStart ? fromStart : cropped;
        if (kept[clip] is { } known)
            return known;
        try
        {
            LogMel computed = extractor.Compute(ReadUnit(clip, view));
            if (Interlocked.Add(ref memoryLeft, -computed.Values.Length * sizeof(float)) >= 0)
                kept[clip] = computed;
            return computed;
        }
        catch (UnreadableAudioException problem)
        {
            Unreadable.Add(problem.Path, problem.Reason);
            return null;
        }
    }

    private float[] ReadUnit(int clip, ClipView view)
    {
        string path = Task.Clips[clip].Path;
        // One sample more than needed: what rounding to seconds may cost.
        float[] samples = view == ClipView.FromStart
            ? AudioFile.ReadMono(path, LogMel.SampleRate, (UnitSamples + 1.0) / LogMel.SampleRate)
            : AudioFile.ReadMono(path, LogMel.SampleRate);
        int start = 0;
        if (view == ClipView.RandomCrop && samples.Length > UnitSamples)
            start = new RandomStream(seed, RandomPurpose.Crop, 0, clip).NextInt32(samples.Length - UnitSamples + 1);
        var unit = new float[UnitSamples];
        samples.AsSpan(start, Math.Min(UnitSamples, samples.Length - start)).CopyTo(unit);
        return unit;
    }
}

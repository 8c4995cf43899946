using System.Diagnostics;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.FineTuning;

/// <summary>Clips with their classes, ready for a step. B clips, Lv patches each, P = ph * pw values a patch, C classes.</summary>
/// <param name="First">Place of the first one in the whole batch, of which processes that train together have a share each.</param>
/// <param name="Clips">B.</param>
/// <param name="Patches">[B, Lv, P].</param>
/// <param name="Ids">[B, Lv].</param>
/// <param name="Targets">[B, C] in 0 .. 1.</param>
/// <param name="MaskMilliseconds">Time to choose which patches are left out.</param>
internal sealed record ClassBatch(int First, int Clips, float[] Patches, long[] Ids, float[] Targets, double MaskMilliseconds);

/// <summary>
/// Makes the batches of a fine-tuning: crop, mixup, log-mel, normalise, mask, resize and crop, cut in patches, leave some out. What is in
/// batch (epoch, step) is a function of the task and the configuration alone, whichever threads make it.
/// </summary>
internal sealed class ClassBatches
{
    /// <summary>Batches kept ready ahead of the trainer.</summary>
    internal const int Prefetch = 2;

    private static readonly StructuredMasking PatchOut = new();
    private readonly TrainingClips clips;
    private readonly ClassifierInput input;
    private readonly FineTuningConfig config;
    private readonly int batch, classes, first, count, cores;
    private readonly LogMelExtractor extractor;

    /// <param name="clips">The clips to learn from.</param>
    /// <param name="classes">C.</param>
    /// <param name="input">What the model takes.</param>
    /// <param name="config">Batch size, augmentations, seed and loader threads.</param>
    /// <param name="group">The processes that share every batch.</param>
    /// <exception cref="UserErrorException">The patch-out may leave nothing, or there are more processes than clips in a batch.</exception>
    public ClassBatches(TrainingClips clips, int classes, ClassifierInput input, FineTuningConfig config, TrainingGroup group)
    {
        (this.clips, this.classes, this.input, this.config, cores) = (clips, classes, input, config, group.Cores);
        batch = Math.Min(config.Batch, clips.Count);
        (first, count) = group.Share(batch);
        if ((long)count * input.Geometry.InputSize > Array.MaxLength)
            throw new UserErrorException($"batch {batch} of input {input.Geometry.InputText} is too large for one array; choose a smaller batch");
        StepsPerEpoch = clips.Count / batch;
        extractor = new LogMelExtractor(input.LogMel);
        PatchGrid grid = input.Geometry.Grid;
        if (config.PatchOut > 0 && StructuredMasking.MaskedLines(grid, config.PatchOut, 0).Columns >= grid.Columns)
            throw new UserErrorException($"patch-out {config.PatchOut} of {grid.Rows}x{grid.Columns} patches may leave none: choose a smaller one");
    }

    /// <summary>Batches of an epoch; a last partial one is dropped.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Clips in a batch, of all processes.</summary>
    public int BatchSize => batch;

    /// <summary>Clips of it that this process makes.</summary>
    public int Share => count;

    /// <summary>Starts the loader threads; the reader gives the batches of the steps from <paramref name="first"/> to before <paramref name="end"/>, in order.</summary>
    public BatchReader<ClassBatch> Read(long first, long end) => new(
        first, end, LoaderThreads.For(config.Workers, cores), Prefetch, () => number => Make((int)(number / StepsPerEpoch), (int)(number % StepsPerEpoch)), CancellationToken.None);

    private ClassBatch Make(int epoch, int step)
    {
        var waveforms = new float[count][];
        var targets = new float[count][];
        var numbers = new int[count];
        Mixup? mixup = config.Mixup > 0 ? Mixup.Draw(batch, config.Mixup, Stream(RandomPurpose.Mixup, epoch, step)) : null;
        Dictionary<int, (int Number, float[] Waveform, float[] Targets)> read = []; // partners may be of another process's share
        for (int i = 0; i < count; i++)
        {
            (numbers[i], waveforms[i], targets[i]) = At(first + i);
            if (mixup is null)
                continue;
            (_, float[] waveform, float[] others) = At(mixup.Partners[first + i]);
            (waveforms[i], targets[i]) = (mixup.Apply(first + i, waveforms[i], waveform), mixup.Apply(first + i, targets[i], others));
        }

        (int Number, float[] Waveform, float[] Targets) At(int place)
        {
            if (read.TryGetValue(place, out var known))
                return known;
            (LabelledClip clip, int number, float[] waveform) = clips.Read(epoch, step * batch + place);
            var labels = new float[classes];
            foreach (int label in clip.Labels)
                labels[label] = 1;
            return read[place] = (number, waveform, labels);
        }

        float[][] patches = [.. Spectrograms(waveforms, numbers, epoch, step).Select(Cut)];
        long begin = Stopwatch.GetTimestamp();
        int[][] given = [.. numbers.Select(number => Given(epoch, step, number))];
        return Gather(patches, given, [.. targets.SelectMany(row => row)], Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
    }

    private IEnumerable<float[]> Spectrograms(float[][] waveforms, int[] numbers, int epoch, int step)
    {
        int bands = input.Geometry.Bands, frames = input.Frames;
        SpectrogramMask mask = SpectrogramMask.Draw(bands, frames, config.FrequencyMask, config.TimeMask, Stream(RandomPurpose.SpectrogramMask, epoch, step));
        for (int place = 0; place < count; place++)
        {
            float[] logMel = extractor.Compute(waveforms[place]).Values;
            input.Statistics.Apply(logMel);
            mask.Apply(logMel, frames);
            yield return config.ResizeCrop
                ? RandomResizeCrop.Apply(logMel, bands, frames, Stream(RandomPurpose.ResizeCrop, epoch, numbers[place]))
                : logMel;
        }
    }

    private float[] Cut(float[] logMel)
    {
        var patches = new float[input.Geometry.InputSize];
        input.Cut(logMel, patches);
        return patches;
    }

    /// <summary>Ids of the patches that the encoder is given of a clip; as many for every clip of a batch.</summary>
    private int[] Given(int epoch, int step, int number)
    {
        PatchGrid grid = input.Geometry.Grid;
        if (config.PatchOut == 0)
            return [.. Enumerable.Range(0, grid.Count)];
        var context = new MaskingContext(config.PatchOut, HintRatio: 0, Stream(RandomPurpose.Mask, epoch, number), Stream(RandomPurpose.BatchMask, epoch, step));
        return PatchOut.Sample(new PatchView(grid, input.Geometry.PatchSize, []), context).Visible;
    }

    private ClassBatch Gather(float[][] patches, int[][] given, float[] targets, double milliseconds)
    {
        int size = input.Geometry.PatchSize, each = given[0].Length;
        var values = new float[count * each * size];
        var ids = new long[count * each];
        for (int i = 0; i < ids.Length; i++)
        {
            (int place, int id) = (i / each, given[i / each][i % each]);
            ids[i] = id;
            patches[place].AsSpan(id * size, size).CopyTo(values.AsSpan(i * size));
        }
        return new ClassBatch(first, count, values, ids, targets, milliseconds);
    }

    private RandomStream Stream(RandomPurpose purpose, int epoch, long index) => new(config.Seed, purpose, epoch, index);
}

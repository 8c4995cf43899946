using System.Diagnostics;

using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>
/// Turns clips into batches: crop, mix with noise where wanted, normalise, cut in patches, mask, gather. What is in batch (epoch, step) is a function of the data and
/// the <see cref="BatchOptions"/> alone, whichever threads make it and wherever reading begins.
/// </summary>
/// <remarks>A clip that cannot be used gives its place to the next usable one in the epoch's order, and is reported.</remarks>
internal sealed class BatchPipeline
{
    private readonly ClipSource source;
    private readonly BatchOptions options;
    private readonly BadFiles badFiles;
    private readonly EpochOrder order;
    private readonly BatchArrayPool pool = new();

    /// <summary>Prepares to read batches from a data set, which stays the caller's to dispose of.</summary>
    /// <param name="source">The data.</param>
    /// <param name="options">What the batches are made of.</param>
    /// <param name="badFiles">Receives the clips that cannot be used.</param>
    /// <exception cref="UserErrorException">An option is out of range, or one epoch does not fill one batch.</exception>
    public BatchPipeline(ClipSource source, BatchOptions options, BadFiles badFiles)
    {
        options.Check();
        if (options.Geometry.Bands != source.Settings.Bands)
            throw new UserErrorException($"the input {options.Geometry} has {options.Geometry.Bands} bands, the data {source.Settings.Bands}: make them equal");
        (this.source, this.options, this.badFiles) = (source, options, badFiles);
        order = new EpochOrder(source.Clips.Count, options.MinClips, options.Seed);
        StepsPerEpoch = order.Draws / options.BatchSize;
        if (StepsPerEpoch == 0)
            throw new UserErrorException($"{order.Draws} clips do not fill one batch of {options.BatchSize}: choose a smaller batch, or raise min-clips to repeat the clips");
    }

    /// <summary>Batches of one epoch; a last partial one is dropped.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Starts the loader threads; the reader gives the batches from (epoch, step) on, in order.</summary>
    /// <param name="epoch">Epoch of the first batch.</param>
    /// <param name="step">Its step within the epoch; <see cref="StepsPerEpoch"/> means the next epoch's first.</param>
    /// <param name="endEpoch">No batch of this epoch or later is made.</param>
    /// <param name="cancellation">Makes <see cref="BatchReader{TBatch}.Next"/> throw <see cref="OperationCanceledException"/>.</param>
    public BatchReader<MaskedBatch> Read(int epoch = 0, int step = 0, int endEpoch = int.MaxValue, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        long first = (long)epoch * StepsPerEpoch + step, end = (long)endEpoch * StepsPerEpoch;
        return new BatchReader<MaskedBatch>(first, end, LoaderThreads.For(options.Workers, options.Cores), options.Prefetch, NewMaker, cancellation);
    }

    /// <summary>A function that makes batch number epoch * StepsPerEpoch + step, with working memory for one thread.</summary>
    private Func<long, MaskedBatch> NewMaker()
    {
        float[] window = new float[options.Geometry.InputSize];
        float[] seen = options.Noise is null ? window : new float[options.Geometry.InputSize];
        float[] patches = new float[options.Geometry.InputSize];
        float[] seenPatches = options.Noise is null ? patches : new float[options.Geometry.InputSize];
        return number => Make((int)(number / StepsPerEpoch), (int)(number % StepsPerEpoch), window, seen, patches, seenPatches);
    }

    /// <remarks>Without noise the model sees the clip itself: <paramref name="seen"/> is then <paramref name="window"/>.</remarks>
    private MaskedBatch Make(int epoch, int step, float[] window, float[] seen, float[] patches, float[] seenPatches)
    {
        var batch = new MaskedBatch(options, pool, epoch, step) { HintRatio = options.HintRatio(epoch, step) };
        for (int place = 0; place < batch.Count; place++)
        {
            ReadCrop(batch, place, window);
            if (options.Noise is { } noise)
            {
                noise.ReadCrop(new RandomStream(options.Seed, RandomPurpose.Noise, epoch, batch.DrawIndexOf(place)), options, badFiles, seen);
                noise.Mix(window, seen, options.Normalisation);
            }
            options.Normalisation.Apply(window);
            if (options.GathersOnHost)
            {
                Cut(window, patches);
                if (options.Noise is not null)
                    Cut(seen, seenPatches);
                batch.Gather(place, seenPatches, patches, Draw(batch, place, seenPatches)[0]);
            }
            else
            {
                Span<float> carried = batch.PatchesOf(place);
                Cut(seen, carried);
                if (options.Noise is not null)
                    Cut(window, batch.CleanPatchesOf(place));
                if (options.Masking is not null)
                    batch.MaskClip(place, Draw(batch, place, carried));
            }
        }
        return batch;
    }

    private void ReadCrop(MaskedBatch batch, int place, float[] window)
    {
        int[] draws = order.Of(batch.Epoch);
        int position = batch.Step * options.BatchSize + options.FirstPlace + place, draw = draws[position];
        badFiles.UseFirst(draws.Length, attempt =>
        {
            int clip = order.ClipOf(draws[(position + attempt) % draws.Length]);
            var crop = new RandomStream(options.Seed, RandomPurpose.Crop, batch.Epoch, draw);
            source.ReadCrop(clip, crop, options.Geometry.Frames, options.ShortClips, window);
            batch.Place(place, clip, draw);
        });
    }

    private void Cut(float[] window, Span<float> patches)
    {
        InputGeometry input = options.Geometry;
        PatchCutter.Cut(window, input.Bands, input.Frames, input.PatchHeight, input.PatchWidth, patches);
    }

    private PatchMask[] Draw(MaskedBatch batch, int place, ReadOnlySpan<float> seen)
    {
        long begin = Stopwatch.GetTimestamp();
        PatchMask[] drawn = options.Masking!.SampleSeveral(new PatchView(batch.Grid, batch.PatchSize, seen), batch.ContextsOf(place));
        batch.MaskMilliseconds += Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        return drawn;
    }
}

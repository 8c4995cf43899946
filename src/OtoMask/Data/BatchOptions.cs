using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>What the batches of a run are made of. Together with the data they determine every number in every batch.</summary>
internal sealed record BatchOptions
{
    /// <summary>Batches kept ready unless told otherwise.</summary>
    public const int DefaultPrefetch = 4;

    /// <summary>Input and patches.</summary>
    public required InputGeometry Geometry { get; init; }

    /// <summary>B, clips in a batch.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Places of the batch that are made here, from the first on, and how many; null = all. The others are made by other processes.</summary>
    public (int First, int Count)? Share { get; init; }

    /// <summary>Cores of this machine that are there for this process.</summary>
    public int Cores { get; init; } = Environment.ProcessorCount;

    /// <summary>The run's seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Mean and standard deviation that the log-mels are normalised with.</summary>
    public required NormalisationStatistics Normalisation { get; init; }

    /// <summary>Masks the batches on the loader threads; null for strategies that need the model: batches then come unmasked.</summary>
    public IMaskingStrategy? Masking { get; init; }

    /// <summary>K, masks drawn of each clip, at least 1.</summary>
    public int MasksPerClip { get; init; } = 1;

    /// <summary>Whether batches carry all patches of a clip although one mask is drawn of it.</summary>
    public bool ReadsWholeClip { get; init; }

    /// <summary>Share of patches to mask, in (0, 1).</summary>
    public double MaskRatio { get; init; } = 0.7;

    /// <summary>The hint ratio at an (epoch, step); called on loader threads, ahead of need.</summary>
    public Func<int, int, double> HintRatio { get; init; } = (_, _) => 0;

    /// <summary>Small sets are repeated as a whole until an epoch has at least this many clips (docs/method.md section 6).</summary>
    public int MinClips { get; init; } = 10_000;

    /// <summary>What follows a clip shorter than the input.</summary>
    public ShortClips ShortClips { get; init; } = ShortClips.Silence;

    /// <summary>Background noise under the visible patches, or none; the masked ones stay clean.</summary>
    public NoiseMix? Noise { get; init; }

    /// <summary>Numbers of threads that read clips; 0 = automatic.</summary>
    public static NumberRange WorkerRange { get; } = new(0, 256);

    /// <summary>Loader threads, see <see cref="LoaderThreads.For"/>. The batches do not depend on it.</summary>
    public int Workers { get; init; }

    /// <summary>Batches kept ready ahead of the consumer.</summary>
    public int Prefetch { get; init; } = DefaultPrefetch;

    /// <summary>First place of the batch that is made here.</summary>
    internal int FirstPlace => Share?.First ?? 0;

    /// <summary>Clips of the batch that are made here.</summary>
    internal int SharedSize => Share?.Count ?? BatchSize;

    /// <summary>Whether loaders split the patches of a clip by its mask.</summary>
    internal bool GathersOnHost => Masking is not null && MasksPerClip == 1 && !ReadsWholeClip;

    /// <param name="epoch">Of the batch.</param>
    /// <param name="step">Of the batch, within the epoch.</param>
    /// <param name="maskIndex">Number of the mask in the epoch.</param>
    /// <param name="hintRatio">Of the batch.</param>
    internal MaskingContext ContextOf(int epoch, int step, long maskIndex, double hintRatio) => new(
        MaskRatio, hintRatio,
        new RandomStream(Seed, RandomPurpose.Mask, epoch, maskIndex),
        new RandomStream(Seed, RandomPurpose.BatchMask, epoch, step));

    /// <exception cref="UserErrorException">A value is out of range.</exception>
    internal void Check()
    {
        if (BatchSize < 1)
            throw new UserErrorException($"batch {BatchSize}: a batch needs at least 1 clip");
        if (MasksPerClip < 1)
            throw new UserErrorException($"{MasksPerClip} masks a clip: at least 1 is needed");
        if (!(MaskRatio > 0 && MaskRatio < 1))
            throw new UserErrorException($"mask ratio {MaskRatio}: give a share above 0 and below 1, for example 0.7");
        int visible = Geometry.Grid.VisibleCount(MaskRatio);
        if (visible == 0 || visible == Geometry.Grid.Count)
            throw new UserErrorException(
                $"mask ratio {MaskRatio} leaves {visible} of {Geometry.Grid.Count} patches visible: choose a ratio nearer 0.5, a longer input or smaller patches");
        if (MinClips < 0)
            throw new UserErrorException($"min-clips {MinClips}: give 0 or more");
        WorkerRange.Require("workers", Workers);
        if (Prefetch < 1)
            throw new UserErrorException($"prefetch {Prefetch}: at least 1 batch must be kept ready");
    }
}

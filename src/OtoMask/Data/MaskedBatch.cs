using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>
/// One batch on the host, ready for the model. Its arrays belong to a pool: <see cref="IDisposable.Dispose"/> gives them back, after which
/// nothing may read them.
/// </summary>
/// <remarks>
/// Symbols: B clips, K masks of each, L patches of a clip, Lv of them visible and Lm masked, P = ph * pw values of a patch in (ph, pw) order. Patch id = f * Nt + t;
/// row clip * K + k is mask k of the clip. Where one mask is all that is wanted of a clip, loaders gather: <see cref="Visible"/> and <see cref="Masked"/>.
/// Where more of it is wanted (several masks, the whole clip, or features before the mask is drawn), it carries <see cref="Patches"/> once and the ids of each mask,
/// to be gathered on the device. With a strategy that needs the model, a batch comes unmasked: it has no ids until <see cref="Mask(IReadOnlyList{PatchMask})"/>.
/// </remarks>
internal sealed class MaskedBatch : IDisposable
{
    private readonly BatchOptions options;
    private readonly BatchArrayPool pool;
    private readonly int[] clips;
    private readonly long[] drawIndices;
    private float[] maskNoise = [];

    internal MaskedBatch(BatchOptions options, BatchArrayPool pool, int epoch, int step)
    {
        (this.options, this.pool, Epoch, Step) = (options, pool, epoch, step);
        (clips, drawIndices) = (new int[options.SharedSize], new long[options.SharedSize]);
    }

    /// <summary>B, clips in the batch; of one that several processes share, those of this process.</summary>
    public int Count => options.SharedSize;

    /// <summary>Its part of the whole batch, in (0, 1].</summary>
    public double Share => (double)Count / options.BatchSize;

    /// <summary>K, masks of each clip.</summary>
    public int MasksPerClip => options.MasksPerClip;

    /// <summary>The epoch it belongs to, from 0.</summary>
    public int Epoch { get; }

    /// <summary>Its step within the epoch, from 0.</summary>
    public int Step { get; }

    /// <summary>The patch grid of every clip.</summary>
    public PatchGrid Grid => options.Geometry.Grid;

    /// <summary>P, values of one patch.</summary>
    public int PatchSize => options.Geometry.PatchSize;

    /// <summary>[B], the position of each clip in the data set's <see cref="ClipList"/>.</summary>
    public ReadOnlySpan<int> Clips => clips;

    /// <summary>Lv, visible patches of each mask; 0 before the batch is masked.</summary>
    public int VisibleCount { get; private set; }

    /// <summary>Lm, masked patches of each mask; 0 before the batch is masked.</summary>
    public int MaskedCount => VisibleIds.Length == 0 ? 0 : Grid.Count - VisibleCount;

    /// <summary>[B, L, P], all patches, normalised; empty when the loader has gathered the batch.</summary>
    public float[] Patches { get; private set; } = [];

    /// <summary>[B, L, P], all patches without the noise that is mixed under <see cref="Patches"/>; empty when there is none or the loader has gathered the batch.</summary>
    public float[] CleanPatches { get; private set; } = [];

    /// <summary>[B, Lv, P], the visible patches; empty when the batch carries all of them.</summary>
    public float[] Visible { get; private set; } = [];

    /// <summary>[B * K, Lv], their ids, ascending for each mask.</summary>
    public long[] VisibleIds { get; private set; } = [];

    /// <summary>[B, Lm, P], the masked patches, free of noise; empty when the batch carries all of them.</summary>
    public float[] Masked { get; private set; } = [];

    /// <summary>[B * K, Lm], their ids, ascending for each mask.</summary>
    public long[] MaskedIds { get; private set; } = [];

    /// <summary>The hint ratio that the masks were, or are to be, drawn with.</summary>
    public double HintRatio { get; internal init; }

    /// <summary>Time that choosing the masks took on the loader thread, in milliseconds; 0 for an unmasked batch.</summary>
    public double MaskMilliseconds { get; internal set; }

    /// <summary>What a strategy is told about one mask, with the mask's own random stream; the same at every call.</summary>
    /// <param name="clip">Position in the batch.</param>
    /// <param name="mask">Which of the clip's masks, in 0 .. K - 1.</param>
    public MaskingContext ContextOf(int clip, int mask = 0) => options.ContextOf(Epoch, Step, drawIndices[clip] * MasksPerClip + mask, HintRatio);

    /// <summary>The same of each of a clip's masks, [K].</summary>
    /// <param name="clip">Position in the batch.</param>
    public MaskingContext[] ContextsOf(int clip) => [.. Enumerable.Range(0, MasksPerClip).Select(mask => ContextOf(clip, mask))];

    /// <summary>Draws normal numbers for every masked patch of every mask, each mask's from a stream of its own: [B * K, <paramref name="masked"/>, <paramref name="width"/>]. They are the batch's, as its other arrays.</summary>
    /// <param name="masked">Lm.</param>
    /// <param name="width">Numbers for each masked patch.</param>
    /// <param name="deviation">Their standard deviation.</param>
    public float[] DrawMaskNoise(int masked, int width, double deviation)
    {
        int rows = Count * MasksPerClip, size = masked * width;
        maskNoise = pool.RentFloats(rows * size);
        Parallel.For(0, rows, row =>
        {
            long mask = drawIndices[row / MasksPerClip] * MasksPerClip + row % MasksPerClip;
            new RandomStream(options.Seed, RandomPurpose.MaskNoise, Epoch, mask).FillNormal(maskNoise.AsSpan(row * size, size), (float)deviation);
        });
        return maskNoise;
    }

    /// <summary>Masks an unmasked batch: fills the ids.</summary>
    /// <param name="masks">K masks for each clip, all with the same number of visible patches.</param>
    /// <exception cref="InvalidOperationException">The batch has no patches, or is masked already.</exception>
    /// <exception cref="ArgumentException">The number of masks is not B * K, or their counts differ.</exception>
    public void Mask(IReadOnlyList<PatchMask> masks)
    {
        if (Patches.Length == 0 || VisibleIds.Length > 0)
            throw new InvalidOperationException("only a batch that carries patches and is not masked yet can be masked");
        if (masks.Count != Count * MasksPerClip)
            throw new ArgumentException($"{masks.Count} masks for {Count} clips of {MasksPerClip}", nameof(masks));
        for (int row = 0; row < masks.Count; row++)
            Mask(row, masks[row]);
    }

    /// <summary>Notes which clip fills a place of the batch, and the index its random streams are drawn with.</summary>
    internal void Place(int place, int clip, long drawIndex) => (clips[place], drawIndices[place]) = (clip, drawIndex);

    /// <summary>The index that the random streams of a place are drawn with.</summary>
    internal long DrawIndexOf(int place) => drawIndices[place];

    /// <summary>Makes room for [B, L, P]; returns the part of one clip.</summary>
    internal Span<float> PatchesOf(int place) => PartOf(Patches.Length == 0 ? Patches = RentPatches() : Patches, place);

    /// <inheritdoc cref="PatchesOf"/>
    internal Span<float> CleanPatchesOf(int place) => PartOf(CleanPatches.Length == 0 ? CleanPatches = RentPatches() : CleanPatches, place);

    /// <summary>Notes the ids of all masks of a clip.</summary>
    internal void MaskClip(int place, PatchMask[] masks)
    {
        for (int mask = 0; mask < masks.Length; mask++)
            Mask(place * MasksPerClip + mask, masks[mask]);
    }

    /// <summary>Notes the ids of one mask. The first one fixes how many there are of each kind.</summary>
    /// <param name="row">clip * K + k.</param>
    /// <param name="mask">Which are visible and which are masked.</param>
    internal void Mask(int row, PatchMask mask)
    {
        if (row == 0)
            RentRoomForIds(mask);
        if (mask.Visible.Length != VisibleCount || mask.Masked.Length != MaskedCount)
            throw new ArgumentException(
                $"mask {row} has {mask.Visible.Length} visible and {mask.Masked.Length} masked patches, the batch {VisibleCount} and {MaskedCount}");
        Copy(mask.Visible, VisibleIds, row);
        Copy(mask.Masked, MaskedIds, row);
    }

    /// <summary>Notes the one mask of a clip, and splits its patches.</summary>
    /// <param name="place">The clip's place in the batch.</param>
    /// <param name="seen">[L, P], where the visible ones are taken from.</param>
    /// <param name="clean">[L, P], where the masked ones are taken from.</param>
    /// <param name="mask">Which are which.</param>
    internal void Gather(int place, ReadOnlySpan<float> seen, ReadOnlySpan<float> clean, PatchMask mask)
    {
        Mask(place, mask);
        if (place == 0)
            (Visible, Masked) = (pool.RentFloats(Count * VisibleCount * PatchSize), pool.RentFloats(Count * MaskedCount * PatchSize));
        Gather(place, seen, mask.Visible, Visible);
        Gather(place, clean, mask.Masked, Masked);
    }

    private float[] RentPatches() => pool.RentFloats(Count * Grid.Count * PatchSize);

    private Span<float> PartOf(float[] patches, int place) => patches.AsSpan(place * Grid.Count * PatchSize, Grid.Count * PatchSize);

    private void RentRoomForIds(PatchMask mask)
    {
        if (mask.Visible.Length == 0 || mask.Masked.Length == 0)
            throw new UserErrorException(
                $"mask ratio {options.MaskRatio} gave {mask.Visible.Length} visible and {mask.Masked.Length} masked patches, which leaves nothing to learn from: choose a ratio nearer 0.5");
        VisibleCount = mask.Visible.Length;
        VisibleIds = pool.RentIds(Count * MasksPerClip * VisibleCount);
        MaskedIds = pool.RentIds(Count * MasksPerClip * mask.Masked.Length);
    }

    private static void Copy(int[] ids, long[] rows, int row)
    {
        for (int i = 0; i < ids.Length; i++)
            rows[row * ids.Length + i] = ids[i];
    }

    private void Gather(int place, ReadOnlySpan<float> patches, int[] ids, float[] values)
    {
        for (int i = 0; i < ids.Length; i++)
            patches.Slice(ids[i] * PatchSize, PatchSize).CopyTo(values.AsSpan((place * ids.Length + i) * PatchSize, PatchSize));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (float[] values in new[] { Patches, CleanPatches, Visible, Masked, maskNoise })
            pool.Return(values);
        foreach (long[] ids in new[] { VisibleIds, MaskedIds })
            pool.Return(ids);
        (Patches, CleanPatches, Visible, Masked, maskNoise, VisibleIds, MaskedIds) = ([], [], [], [], [], [], []);
    }
}

/// <summary>Keeps the arrays of finished batches for the next ones. Arrays have exactly the length asked for, as tensors are made of whole arrays.</summary>
internal sealed class BatchArrayPool
{
    private const int KeptPerLength = 8, KeptLengths = 64;
    private readonly Dictionary<int, Stack<float[]>> floats = [];
    private readonly Dictionary<int, Stack<long[]>> ids = [];

    /// <summary>An array of floats with undefined contents.</summary>
    public float[] RentFloats(int length) => Rent(floats, length);

    /// <summary>An array of patch ids with undefined contents.</summary>
    public long[] RentIds(int length) => Rent(ids, length);

    /// <summary>Takes an array back.</summary>
    public void Return(float[] array) => Return(floats, array);

    /// <summary>Takes an array back.</summary>
    public void Return(long[] array) => Return(ids, array);

    private static T[] Rent<T>(Dictionary<int, Stack<T[]>> shelves, int length)
    {
        lock (shelves)
        {
            if (shelves.TryGetValue(length, out Stack<T[]>? shelf) && shelf.TryPop(out T[]? array))
                return array;
        }
        return GC.AllocateUninitializedArray<T>(length);
    }

    private static void Return<T>(Dictionary<int, Stack<T[]>> shelves, T[] array)
    {
        if (array.Length == 0)
            return;
        lock (shelves)
        {
            if (!shelves.TryGetValue(array.Length, out Stack<T[]>? shelf))
            {
                if (shelves.Count == KeptLengths)
                    shelves.Clear();
                shelves.Add(array.Length, shelf = new Stack<T[]>());
            }
            if (shelf.Count < KeptPerLength)
                shelf.Push(array);
        }
    }
}

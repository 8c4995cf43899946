using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>
/// Crops straight from recordings and <c>.npy</c> log-mels. Clips are decoded whole and kept in memory while the budget lasts; of a
/// recording longer than <see cref="LogMelReader.WholeSeconds"/> only the section around the crop is decoded, every time.
/// </summary>
internal sealed class FileClipSource(ClipList clips, ClipSourceOptions options) : ClipSource(clips, options.LogMel)
{
    private readonly LogMelReader reader = new(options.LogMel);
    private readonly OwnedLogMel?[] kept = new OwnedLogMel?[clips.Count];
    private readonly BadClipException?[] bad = new BadClipException?[clips.Count];
    private long budgetLeft = options.MemoryBudget;

    public override void ReadCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window)
    {
        string path = Clips[clip].Path;
        OwnedLogMel? logMel = Volatile.Read(ref kept[clip]);
        if (logMel is null && Trying(clip, () => reader.FramesIfLong(path, frames)) is > 0 and int totalFrames)
        {
            reader.ReadSection(path, totalFrames, crop, frames, window); // damage here says nothing about the next crop: not remembered
            return;
        }
        logMel ??= Keep(clip, Trying(clip, () => reader.ReadWhole(path)));
        logMel.View.CopyCrop(ref crop, frames, shortClips, window);
    }

    /// <summary>Remembers a clip that is bad as a whole, so that later epochs do not try it again.</summary>
    private T Trying<T>(int clip, Func<T> read)
    {
        if (Volatile.Read(ref bad[clip]) is { } known)
            throw new BadClipException(known.Path, known.Reason, known);
        try
        {
            return read();
        }
        catch (BadClipException found)
        {
            Volatile.Write(ref bad[clip], found);
            throw;
        }
    }

    private OwnedLogMel Keep(int clip, OwnedLogMel logMel)
    {
        if (Interlocked.Add(ref budgetLeft, -logMel.Bytes) < 0
            || Interlocked.CompareExchange(ref kept[clip], logMel, null) is not null)
            Interlocked.Add(ref budgetLeft, logMel.Bytes);
        return logMel;
    }
}

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
    private long budgetLeft = options.MemoryBudget;

    public override void ReadCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window)
    {
        string path = Clips[clip].Path;
        OwnedLogMel? logMel = Volatile.Read(ref kept[clip]);
        if (logMel is null && reader.FramesIfLong(path, frames) is > 0 and int totalFrames)
        {
            reader.ReadSection(path, totalFrames, crop, frames, window);
            return;
        }
        logMel ??= Keep(clip, reader.ReadWhole(path));
        logMel.View.CopyCrop(ref crop, frames, shortClips, window);
    }

    private OwnedLogMel Keep(int clip, OwnedLogMel logMel)
    {
        if (Interlocked.Add(ref budgetLeft, -logMel.Bytes) < 0
            || Interlocked.CompareExchange(ref kept[clip], logMel, null) is not null)
            Interlocked.Add(ref budgetLeft, logMel.Bytes);
        return logMel;
    }
}

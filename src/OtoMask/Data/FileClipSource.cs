using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>
/// Crops straight from recordings and <c>.npy</c> log-mels. Clips are decoded whole and kept in memory while the budget lasts. Of a recording longer than
/// <see cref="LogMelFile.WholeSeconds"/> whose format tells its length only the section around the crop is decoded, every time; so it is of one that took an
/// hour or more to read.
/// </summary>
internal sealed class FileClipSource(ClipList clips, ClipSourceOptions options) : ClipSource(clips, options.LogMel)
{
    private const int Unknown = 0, NotLong = -1;
    private readonly LogMelReader reader = new(options.LogMel);
    private readonly OwnedLogMel?[] kept = new OwnedLogMel?[clips.Count];
    private readonly int[] longFrames = new int[clips.Count]; // T of those that may be read in sections
    private readonly BadClipException?[] bad = new BadClipException?[clips.Count];
    private long budgetLeft = options.MemoryBudget;

    protected override void ReadAnyCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window)
    {
        if (Volatile.Read(ref kept[clip]) is { } known)
        {
            known.View.CopyCrop(ref crop, frames, shortClips, window);
            return;
        }
        using LogMelFile file = reader.Open(Clips[clip].Path);
        int totalFrames = Volatile.Read(ref longFrames[clip]);
        if (totalFrames <= 2L * frames)
        {
            bool isFirst = totalFrames == Unknown;
            (OwnedLogMel? whole, totalFrames) = Trying(clip, () => isFirst ? file.ReadUnlessLong(2L * frames) : file.ReadWhole());
            Volatile.Write(ref longFrames[clip], whole is null ? totalFrames : NotLong);
            if (whole is not null)
            {
                Keep(clip, whole).View.CopyCrop(ref crop, frames, shortClips, window);
                return;
            }
        }
        file.ReadSection(totalFrames, crop, frames, window); // damage here says nothing about the next crop: not remembered
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

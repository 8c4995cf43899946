using OtoMask.Audio;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>How a data set is read.</summary>
/// <param name="LogMel">The front end; files of another rate are resampled to it, <c>.npy</c> log-mels must have its bands.</param>
public sealed record ClipSourceOptions(LogMelSettings LogMel)
{
    /// <summary>The folder that the names of a CSV are relative to; by default the CSV's own.</summary>
    public string? Root { get; init; }

    /// <summary>
    /// Log-mels are kept in memory after they have first been computed, up to this many bytes in all (80 bands take 32 kB a second).
    /// Results do not depend on it, only speed.
    /// </summary>
    public long MemoryBudget { get; init; } = 2L << 30;
}

/// <summary>A clip of a data set that can be read, and is not used.</summary>
/// <param name="Name">Its name in the set.</param>
/// <param name="Reason">Why not, one line.</param>
internal sealed record LeftOutClip(string Name, string Reason);

/// <summary>A data set that gives random crops of log-mel. Safe to use from several threads.</summary>
public abstract class ClipSource : IDisposable
{
    private Dictionary<string, string> reasons = [];

    /// <summary>A source of clips that are known by name; what it takes to read them is the derived class's own.</summary>
    /// <param name="clips">The clips, in their fixed order.</param>
    /// <param name="settings">The front end.</param>
    protected ClipSource(ClipList clips, LogMelSettings settings) => (Clips, Settings) = (clips, settings);

    /// <summary>The clips, in their fixed order.</summary>
    public ClipList Clips { get; }

    /// <summary>The front end that the log-mels come from.</summary>
    public LogMelSettings Settings { get; }

    /// <summary>The clips that are left out though they can be read.</summary>
    internal IReadOnlyList<LeftOutClip> LeftOut { get; private set; } = [];

    /// <summary>
    /// Opens a data set: a folder of audio or <c>.npy</c> log-mels (any depth), a CSV with a <c>file_name</c> column, a cache made by
    /// <see cref="LogMelCache.Prepare"/>, or one audio file or <c>.npy</c>.
    /// </summary>
    /// <exception cref="UserErrorException">There is nothing of the kind at <paramref name="path"/>, it is empty, or it may not be read.</exception>
    public static ClipSource Open(string path, ClipSourceOptions options)
    {
        if (Directory.Exists(path))
            return LogMelCache.IsCache(path)
                ? LogMelCache.Open(path, options.LogMel)
                : new FileClipSource(ClipScanner.ScanFolder(path), options);
        if (!File.Exists(path))
            throw new UserErrorException($"there is no folder or file {path}: name a folder of audio, a CSV with a file_name column, or a prepared cache");
        if (path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase))
            return new FileClipSource(ClipScanner.ReadCsv(path, options.Root), options);
        if (ClipScanner.IsClip(path))
            return new FileClipSource(new ClipList([ClipScanner.Describe(Path.GetFileName(path), path)]), options);
        throw new UserErrorException($"{path} is neither a folder, nor a .csv, nor audio: name a folder of audio, a CSV with a file_name column, or a prepared cache");
    }

    /// <summary>Writes a random crop of a clip, not normalised; a shorter clip is filled up.</summary>
    /// <param name="clip">Position in <see cref="Clips"/>.</param>
    /// <param name="crop">Draws where the crop starts.</param>
    /// <param name="frames">T, frames of the crop.</param>
    /// <param name="shortClips">What follows a clip of fewer frames.</param>
    /// <param name="window">[F, T], band after band, receives the crop.</param>
    /// <exception cref="BadClipException">The clip cannot be used or is left out; <paramref name="window"/> is then undefined.</exception>
    public void ReadCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window)
    {
        if (reasons.Count > 0 && reasons.TryGetValue(Clips[clip].Name, out string? reason))
            throw new BadClipException(Clips[clip].Path, reason);
        ReadAnyCrop(clip, crop, frames, shortClips, window);
    }

    /// <summary>From now on gives no crops of these clips, and of all others. To be called while nobody reads.</summary>
    /// <param name="clips">The clips; names that the set does not have change nothing.</param>
    /// <param name="badFiles">Is told of them.</param>
    internal void LeaveOut(IReadOnlyList<LeftOutClip> clips, BadFiles badFiles)
    {
        if (clips.Count == 0)
            return;
        LeftOut = clips;
        reasons = clips.DistinctBy(clip => clip.Name).ToDictionary(clip => clip.Name, clip => clip.Reason, StringComparer.Ordinal);
        foreach (Clip clip in Clips.Where(clip => reasons.ContainsKey(clip.Name)))
            badFiles.Add(clip.Path, reasons[clip.Name]);
    }

    /// <summary><see cref="ReadCrop"/> of a clip that is not left out.</summary>
    protected abstract void ReadAnyCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

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

/// <summary>A data set that gives random crops of log-mel. Safe to use from several threads.</summary>
public abstract class ClipSource : IDisposable
{
    /// <param name="clips">The clips, in their fixed order.</param>
    /// <param name="settings">The front end.</param>
    protected ClipSource(ClipList clips, LogMelSettings settings) => (Clips, Settings) = (clips, settings);

    /// <summary>The clips, in their fixed order.</summary>
    public ClipList Clips { get; }

    /// <summary>The front end that the log-mels come from.</summary>
    public LogMelSettings Settings { get; }

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
    /// <exception cref="BadClipException">The clip cannot be used; <paramref name="window"/> is then undefined.</exception>
    public abstract void ReadCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window);

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}

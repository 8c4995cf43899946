using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using OtoMask.Audio;
using OtoMask.Distributed;
using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>What a finished cache holds, as <c>cache.json</c> states it.</summary>
/// <param name="Format">Version of the layout.</param>
/// <param name="LogMel">The front end.</param>
/// <param name="ManifestHash"><see cref="ClipList.ManifestHash"/> of the data set it was made of.</param>
/// <param name="Clips">Clips of the data set.</param>
/// <param name="BadClips">Clips of it that could not be used; <c>bad-files.csv</c> lists them.</param>
/// <param name="Frames">Frames of all clips.</param>
/// <param name="Bytes">Size of the log-mels.</param>
/// <param name="IndexHash">SHA-256 of <c>clips.jsonl</c>, which holds the hash of each clip's log-mel.</param>
public sealed record CacheSummary(
    int Format, LogMelSettings LogMel, string ManifestHash, int Clips, int BadClips, long Frames, long Bytes, string IndexHash)
{
    /// <summary>Length of all clips together, in seconds.</summary>
    public double Seconds => Frames / (double)InputGeometry.FramesPerSecond;
}

/// <summary>
/// The log-mels of a data set, computed once: <c>log-mels.f32</c> (little-endian float32, clip after clip, frame
/// after frame), <c>clips.jsonl</c> (a line per clip: name, size, place, hash, or why it is bad), <c>bad-files.csv</c>, and
/// <c>cache.json</c>, which appears last and makes the cache valid.
/// </summary>
/// <remarks>
/// float32, because a run on the cache then gives the same numbers as a run on the files. An hour takes 115 MB. Crops are read from the
/// file, not through a mapping: what is cut off a mapped file kills the process that touches it, by a signal that nothing can catch.
/// </remarks>
public sealed class LogMelCache : ClipSource
{
    internal const int Format = 1;
    internal const string DataFile = "log-mels.f32", IndexFile = "clips.jsonl", SummaryFile = "cache.json", BeginFile = "preparing.json", BadFilesFile = "bad-files.csv";

    private const int LookedAtFrames = 2 * InputGeometry.FramesPerSecond;
    internal const int LongestSummary = 1 << 20;
    private const int LongestEntry = 1 << 14;

    private readonly CacheEntry[] entries;
    private readonly string folder;
    private readonly SafeFileHandle data;

    private LogMelCache(string folder, CacheSummary summary, CacheEntry[] entries)
        : base(new ClipList(entries.Select(entry => new Clip(entry.Name, entry.Name, entry.FileBytes))), summary.LogMel)
    {
        (Summary, this.entries, this.folder) = (summary, entries, folder);
        data = InputFile.OpenHandle(Path.Combine(folder, DataFile));
    }

    /// <summary>What the cache holds.</summary>
    public CacheSummary Summary { get; }

    /// <summary>The clips of the data set that could not be used, as <c>bad-files.csv</c> lists them.</summary>
    public IReadOnlyList<BadFile> BadClips =>
        [.. entries.Where(entry => entry.Problem is not null).Select(entry => new BadFile(entry.Name, entry.Problem!))];

    /// <summary>The clips that a training leaves out because their values lie far outside those of all others; found on crops of two seconds.</summary>
    /// <param name="cancellation">Stops the look.</param>
    internal IReadOnlyList<LeftOutClip> FarOutside(CancellationToken cancellation = default) => CropSurvey.Of(
        this, new InputGeometry(Settings.Bands, LookedAtFrames, 1, 1), seed: 0, new BadFiles(), ShortClips.Silence, threads: 0, progress: null, cancellation, TrainingGroup.Alone).FarOutside();

    /// <summary>Whether a folder holds a cache, finished or begun.</summary>
    public static bool IsCache(string folder) => File.Exists(Path.Combine(folder, SummaryFile)) || File.Exists(Path.Combine(folder, BeginFile));

    /// <summary>Computes the log-mels of a data set into a cache folder; a run that was broken off goes on where it stopped.</summary>
    /// <param name="clips">The data set.</param>
    /// <param name="settings">The front end.</param>
    /// <param name="folder">The cache, made if it does not exist.</param>
    /// <param name="workers">Threads that decode; 0 = all cores.</param>
    /// <param name="progress">Told of clips now and then, from one thread; or null.</param>
    /// <param name="cancellation">Stops; what is done stays and a later call goes on.</param>
    /// <exception cref="UserErrorException">The folder cannot be written, was begun with other data or settings, or every clip is bad.</exception>
    /// <exception cref="IOException">The disk is full or fails; what is done stays and a later call goes on.</exception>
    public static CacheSummary Prepare(
        ClipList clips, LogMelSettings settings, string folder, int workers = 0, IProgress<WorkProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        BatchOptions.WorkerRange.Require("workers", workers);
        using var preparation = new CachePreparation(clips, settings, folder);
        return preparation.Run(workers > 0 ? workers : Environment.ProcessorCount, progress, cancellation);
    }

    /// <summary>Opens a finished cache.</summary>
    /// <exception cref="UserErrorException">It is unfinished, damaged, of another version, or made with another front end.</exception>
    public static LogMelCache Open(string folder, LogMelSettings settings)
    {
        CacheSummary summary = ReadSummary(folder)
            ?? throw new UserErrorException($"the cache {folder} is unfinished: run `LogMelCache.Prepare` with the same data again, it goes on where it stopped");
        if (summary.LogMel != settings)
            throw new UserErrorException($"the cache {folder} was made with {summary.LogMel}, this run asks for {settings}: prepare another cache or change the settings");

        return new LogMelCache(folder, summary, ReadEntries(folder, summary));
    }

    private static CacheEntry[] ReadEntries(string folder, CacheSummary summary)
    {
        string index = Path.Combine(folder, IndexFile), data = Path.Combine(folder, DataFile);
        if (File.Exists(index) && File.Exists(data) && LengthOf(data) == summary.Bytes && LengthOf(index) <= LongestEntry * (long)summary.Clips && InputFile.HashOf(index) == summary.IndexHash)
        {
            CacheEntry?[] entries = [.. InputFile.ReadLines(index).Select(CacheEntry.TryParse)];
            if (entries.Length == summary.Clips && entries.All(entry => entry?.LiesWithin(summary.Bytes, summary.LogMel.Bands) == true))
                return entries!;
        }
        throw new UserErrorException($"the cache {folder} is damaged ({DataFile} or {IndexFile} was changed): delete the folder and prepare it again");
    }

    /// <summary>Of the file itself, where the path is a link.</summary>
    private static long LengthOf(string path)
    {
        using SafeFileHandle file = InputFile.OpenHandle(path);
        return RandomAccess.GetLength(file);
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The file cannot be read, or has been cut short since it was opened.</exception>
    protected override void ReadAnyCrop(int clip, RandomStream crop, int frames, ShortClips shortClips, Span<float> window)
    {
        CacheEntry entry = entries[clip];
        if (entry.Problem is not null)
            throw new BadClipException(entry.Name, entry.Problem);

        bool isLonger = entry.Frames > frames;
        int first = isLonger ? crop.NextInt32(entry.Frames - frames + 1) : 0;
        int rows = isLonger ? frames : entry.Rows;
        float[] values = ArrayPool<float>.Shared.Rent(rows * Settings.Bands);
        Span<float> read = values.AsSpan(0, rows * Settings.Bands);
        ReadData(entry.Offset + (long)first * Settings.Bands * sizeof(float), MemoryMarshal.AsBytes(read));
        ClipLogMel logMel = isLonger
            ? new ClipLogMel(Settings.Bands, frames, frames, read)
            : new ClipLogMel(Settings.Bands, entry.Frames, entry.SilenceFrom, read);
        logMel.CopyCrop(ref crop, frames, shortClips, window);
        ArrayPool<float>.Shared.Return(values);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        data.Dispose();
        base.Dispose();
    }

    private void ReadData(long offset, Span<byte> bytes)
    {
        if (!InputFile.TryReadAt(data, offset, bytes))
            throw new IOException($"the cache {folder} was cut short while it was in use ({DataFile} has {RandomAccess.GetLength(data)} of {Summary.Bytes} bytes): delete the folder and prepare it again");
    }

    internal static CacheSummary? ReadSummary(string folder)
    {
        string path = Path.Combine(folder, SummaryFile);
        if (!File.Exists(path))
            return null;
        try
        {
            CacheSummary? summary = JsonSerializer.Deserialize<CacheSummary>(InputFile.ReadBytes(path, LongestSummary));
            return summary is { Format: Format, LogMel: not null }
                ? summary
                : throw new UserErrorException($"{path} is of format {summary?.Format}, this program reads format {Format}: prepare the cache again");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path} is damaged: delete the folder and prepare it again", error);
        }
    }
}

/// <summary>One clip of a cache: a line of <c>clips.jsonl</c>.</summary>
/// <param name="Name">Its name in the data set.</param>
/// <param name="FileBytes">Size of the recording's file.</param>
/// <param name="Offset">Where its log-mel begins, in bytes.</param>
/// <param name="Frames">T, frames of the clip.</param>
/// <param name="SilenceFrom">The first frame that differs when the clip is followed by silence.</param>
/// <param name="Rows">T + R, frames stored.</param>
/// <param name="Hash">SHA-256 of the stored bytes.</param>
/// <param name="Problem">Why the clip cannot be used; null if it can.</param>
internal sealed record CacheEntry(
    string Name, long FileBytes, long Offset, int Frames, int SilenceFrom, int Rows, string Hash, string? Problem)
{
    /// <summary>The line, without its line feed.</summary>
    public string ToLine() => JsonSerializer.Serialize(this);

    /// <summary>Reads a line back; null if it is none.</summary>
    public static CacheEntry? TryParse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<CacheEntry>(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Where its log-mel ends, in bytes.</summary>
    public long End(int bands) => Offset + (long)Rows * bands * sizeof(float);

    /// <summary>Whether its numbers agree with each other and with a data file of <paramref name="length"/> bytes.</summary>
    public bool LiesWithin(long length, int bands) =>
        Name is not null && Offset >= 0 && Offset <= length && End(bands) <= length
        && (Problem is not null || (SilenceFrom >= 0 && SilenceFrom <= Frames && Frames > 0 && Frames <= Rows));
}

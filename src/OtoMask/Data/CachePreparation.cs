using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using OtoMask.Audio;

namespace OtoMask.Data;

/// <summary>
/// Fills a cache folder. Threads decode ahead, one writer appends in the clips' order: rows to the data file, then, once those are on
/// the disk, a line per clip to the index. So the index never promises what the data file lacks, and the result is the same for any
/// number of threads and any number of interruptions.
/// </summary>
internal sealed class CachePreparation : IDisposable
{
    private static readonly TimeSpan TimeBetweenFlushes = TimeSpan.FromSeconds(3);

    private readonly ClipList clips;
    private readonly LogMelSettings settings;
    private readonly string folder;
    private readonly List<CacheEntry> entries = [];
    private readonly StringBuilder pendingLines = new();
    private FileStream? data, index;

    private sealed record Beginning(int Format, LogMelSettings LogMel, string ManifestHash);

    /// <summary>Some rows of a clip, or, after all of them, its size.</summary>
    private readonly record struct Piece(float[] Rows, LogMelExtent? Extent);

    public CachePreparation(ClipList clips, LogMelSettings settings, string folder) =>
        (this.clips, this.settings, this.folder) = (clips, settings, folder);

    public CacheSummary Run(int workers, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        if (FinishedBefore() is { } finished)
            return finished;
        try
        {
            Begin();
            AppendClips(workers, progress, cancellation);
            return Complete();
        }
        catch (Exception error) when (error is DirectoryNotFoundException or FileNotFoundException)
        {
            throw new UserErrorException($"cannot make the folder {folder} ({error.Message.TrimEnd('.')}): choose another place for the cache", error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new UserErrorException($"no permission to write in {folder}: choose another folder or change its permissions", error);
        }
        catch (IOException error)
        {
            throw new IOException(
                $"cannot write the cache {folder} ({error.Message}): mend that, for example free space, and run the same command again; it goes on where it stopped", error);
        }
    }

    public void Dispose()
    {
        data?.Dispose();
        index?.Dispose();
    }

    private CacheSummary? FinishedBefore()
    {
        CacheSummary? summary = LogMelCache.ReadSummary(folder);
        if (summary is not null && (summary.ManifestHash != clips.ManifestHash || summary.LogMel != settings))
            throw OtherData();
        if (summary is not null)
            File.Delete(Path.Combine(folder, LogMelCache.BeginFile)); // there where the process was killed in its last moment
        return summary;
    }

    private UserErrorException OtherData() =>
        new($"{folder} holds a cache of other data or other settings: choose another folder, or delete this one first");

    /// <summary>Opens the files and drops what an earlier run did not finish.</summary>
    private void Begin()
    {
        if (File.Exists(folder))
            throw new UserErrorException($"{folder} is a file: choose a folder for the cache");
        Directory.CreateDirectory(folder);
        string beginFile = Path.Combine(folder, LogMelCache.BeginFile);
        var beginning = new Beginning(LogMelCache.Format, settings, clips.ManifestHash);
        if (File.Exists(beginFile))
        {
            if (JsonSerializer.Deserialize<Beginning>(InputFile.ReadBytes(beginFile, LogMelCache.LongestSummary)) != beginning)
                throw OtherData();
        }
        else if (Directory.EnumerateFileSystemEntries(folder).Any(file => !AtomicFile.IsLeftoverOf(beginFile, file)))
            throw new UserErrorException($"{folder} is not empty: choose a new folder for the cache");
        else
            AtomicFile.Write(beginFile, stream => JsonSerializer.Serialize(stream, beginning));

        foreach (string file in (string[])[LogMelCache.DataFile, LogMelCache.IndexFile])
        {
            if (new FileInfo(Path.Combine(folder, file)).LinkTarget is not null)
                throw new UserErrorException($"{Path.Combine(folder, file)} is a link, and a cache is written in its own folder alone: delete the folder, or choose another");
        }

        // Without buffers, so that closing writes nothing: on a full disk that would fail again.
        data = new FileStream(Path.Combine(folder, LogMelCache.DataFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        index = new FileStream(Path.Combine(folder, LogMelCache.IndexFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        AtomicFile.RemoveLeftovers(folder);
        index.SetLength(ReadFinishedEntries(index, data.Length));
        data.SetLength(DataLength);
        index.Seek(0, SeekOrigin.End);
        data.Seek(0, SeekOrigin.End);
    }

    private long DataLength => entries.Count == 0 ? 0 : entries[^1].End(settings.Bands);

    /// <summary>Takes the whole lines whose rows are on the disk; returns the length of the index up to there.</summary>
    private long ReadFinishedEntries(FileStream stream, long dataLength)
    {
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        int length = 0;
        for (int end; (end = Array.IndexOf(bytes, (byte)'\n', length)) >= 0; length = end + 1)
        {
            CacheEntry? entry = CacheEntry.TryParse(Encoding.UTF8.GetString(bytes, length, end - length));
            if (entry is null || !entry.LiesWithin(dataLength, settings.Bands) || entries.Count == clips.Count)
                break;
            entries.Add(entry);
        }
        return length;
    }

    private void AppendClips(int workers, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        int first = entries.Count;
        var reader = new LogMelReader(settings, cancellation);
        using var ahead = new ReadAhead<Piece>(first, clips.Count, workers, (clip, take) =>
        {
            LogMelExtent extent = reader.Stream(clips[clip].Path, rows => take(new Piece(rows, null)));
            take(new Piece([], extent));
        }, cancellation);
        try
        {
            var sinceFlush = Stopwatch.StartNew();
            progress?.Report(new WorkProgress("compute log-mels", first, clips.Count));
            for (int clip = first; clip < clips.Count; clip++)
            {
                Append(clips[clip], ahead.Pieces(clip));
                if (sinceFlush.Elapsed > TimeBetweenFlushes)
                {
                    Flush();
                    sinceFlush.Restart();
                }
                progress?.Report(new WorkProgress("compute log-mels", clip + 1, clips.Count));
            }
            Flush();
        }
        catch (Exception stopped) when (stopped is OperationCanceledException or IOException)
        {
            data!.SetLength(DataLength); // gives the index the room that a clip cut short took on a full disk
            Flush();
            throw;
        }
    }

    /// <summary>Appends the rows of one clip as they come, and remembers its line; of a clip that turns out bad no row stays.</summary>
    private void Append(Clip clip, IEnumerable<Piece> pieces)
    {
        long offset = data!.Position;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        CacheEntry entry;
        try
        {
            LogMelExtent extent = default;
            foreach (Piece piece in pieces)
            {
                ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes<float>(piece.Rows);
                data.Write(bytes);
                hash.AppendData(bytes);
                extent = piece.Extent ?? extent;
            }
            entry = new CacheEntry(clip.Name, clip.Bytes, offset, extent.Frames, extent.SilenceFrom, extent.Rows,
                Convert.ToHexStringLower(hash.GetHashAndReset()), null);
        }
        catch (BadClipException bad)
        {
            entry = new CacheEntry(clip.Name, clip.Bytes, offset, 0, 0, 0, "", bad.Reason);
            data.SetLength(offset);
        }
        entries.Add(entry);
        pendingLines.Append(entry.ToLine()).Append('\n');
    }

    private void Flush()
    {
        data!.Flush(flushToDisk: true);
        index!.Write(Encoding.UTF8.GetBytes(pendingLines.ToString()));
        index.Flush(flushToDisk: true);
        pendingLines.Clear();
    }

    private CacheSummary Complete()
    {
        var bad = new BadFiles();
        foreach (CacheEntry entry in entries.Where(entry => entry.Problem is not null))
            bad.Add(entry.Name, entry.Problem!);
        bad.WriteCsv(Path.Combine(folder, LogMelCache.BadFilesFile));
        if (bad.Count == clips.Count)
        {
            Discard();
            throw bad.WhenAllAreBad();
        }

        long length = data!.Length;
        Dispose();
        var summary = new CacheSummary(LogMelCache.Format, settings, clips.ManifestHash, clips.Count, bad.Count,
            entries.Sum(entry => (long)entry.Frames), length, InputFile.HashOf(Path.Combine(folder, LogMelCache.IndexFile)));
        AtomicFile.Write(Path.Combine(folder, LogMelCache.SummaryFile), stream => JsonSerializer.Serialize(stream, summary));
        File.Delete(Path.Combine(folder, LogMelCache.BeginFile));
        return summary;
    }

    /// <summary>Of a data set without one good clip nothing is kept.</summary>
    private void Discard()
    {
        Dispose();
        foreach (string file in (string[])[LogMelCache.DataFile, LogMelCache.IndexFile, LogMelCache.BadFilesFile, LogMelCache.BeginFile])
            File.Delete(Path.Combine(folder, file));
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }
}

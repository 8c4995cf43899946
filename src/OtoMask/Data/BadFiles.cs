using System.Text.Json;
using CsvHelper;
using OtoMask.Distributed;

namespace OtoMask.Data;

/// <summary>A clip that could not be used.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Reason">What is wrong with it, one line.</param>
public sealed record BadFile(string Path, string Reason)
{
    /// <summary>Both as one line for people; names of files may hold what a terminal would obey.</summary>
    public override string ToString() => OneLine.Of($"{Path}: {Reason}");
}

/// <summary>Collects the clips that were skipped, each once; loader threads report here, the trainer writes the list into the run folder.</summary>
public sealed class BadFiles
{
    private readonly Dictionary<string, BadFile> byPath = new(StringComparer.Ordinal);

    /// <summary>How many clips have been skipped so far.</summary>
    public int Count
    {
        get
        {
            lock (byPath)
                return byPath.Count;
        }
    }

    /// <summary>One line about how many of a data set were skipped so far, and why the first was; null if none was.</summary>
    /// <param name="clips">Clips of the data set, good and bad.</param>
    internal string? Summary(int clips) => ToList() is [var first, ..] bad
        ? $"{bad.Count} of {clips} clips cannot be used and are left out, such as {first}"
        : null;

    /// <summary>Reports one clip; of several reports about it the first is kept. Thread-safe.</summary>
    public void Add(string path, string reason)
    {
        lock (byPath)
            byPath.TryAdd(path, new BadFile(path, OneLine.Of(reason)));
    }

    /// <summary>Has every process of a group know the clips that any of them has reported.</summary>
    internal void Share(TrainingGroup group)
    {
        if (group.IsAlone)
            return;
        foreach (BadFile bad in group.Gather(JsonSerializer.Serialize(ToList())).SelectMany(list => JsonSerializer.Deserialize<BadFile[]>(list)!))
            Add(bad.Path, bad.Reason);
    }

    /// <summary>Uses a clip; one that cannot be used is reported and gives its place to the next. Thread-safe.</summary>
    /// <param name="clips">How many there are to try.</param>
    /// <param name="use">Uses the clip of an attempt, counted from 0, or throws <see cref="BadClipException"/>.</param>
    /// <exception cref="UserErrorException">None of them can be used.</exception>
    internal void UseFirst(int clips, Action<int> use)
    {
        for (int attempt = 0; attempt < clips; attempt++)
        {
            try
            {
                use(attempt);
                return;
            }
            catch (BadClipException bad)
            {
                Add(bad.Path, bad.Reason);
            }
        }
        throw WhenAllAreBad();
    }

    /// <summary>The clips reported so far, by path in ordinal order.</summary>
    public IReadOnlyList<BadFile> ToList()
    {
        lock (byPath)
            return [.. byPath.Values.OrderBy(file => file.Path, StringComparer.Ordinal)];
    }

    /// <summary>Adds what <see cref="WriteCsv"/> wrote; nothing where there is no such file.</summary>
    /// <exception cref="UserErrorException">The file is damaged or may not be read.</exception>
    internal void AddCsv(string csvPath)
    {
        if (!File.Exists(csvPath))
            return;
        foreach (CsvRow row in CsvTable.Read(csvPath, ["path", "reason"]))
            Add(row.Fields[0], row.Fields[1]);
    }

    /// <summary>Writes the list as CSV with the columns <c>path,reason</c>, replacing <paramref name="csvPath"/> in one step.</summary>
    public void WriteCsv(string csvPath) => AtomicFile.Write(csvPath, stream =>
    {
        using CsvWriter csv = CsvWriter.Create(stream, leaveOpen: true);
        csv.WriteField("path");
        csv.WriteField("reason");
        csv.EndRecord();
        foreach (BadFile file in ToList())
        {
            csv.WriteField(file.Path);
            csv.WriteField(file.Reason);
            csv.EndRecord();
        }
    });

    /// <summary>The error to raise when no clip of the data set could be used.</summary>
    internal UserErrorException WhenAllAreBad()
    {
        BadFile first = ToList()[0];
        return new UserErrorException($"none of the {Count} clips can be used; the first, {first.Path}: {first.Reason}; check the files or name other data");
    }
}

/// <summary>A clip cannot be used: unreadable, empty, of the wrong shape, or not finite. Loaders skip it and count it.</summary>
/// <param name="path">Where the clip lies.</param>
/// <param name="reason">What is wrong, one line.</param>
/// <param name="inner">The failure underneath, if any.</param>
public sealed class BadClipException(string path, string reason, Exception? inner = null) : Exception(OneLine.Of($"{path}: {reason}"), inner)
{
    /// <summary>Where the clip lies.</summary>
    public string Path { get; } = path;

    /// <summary>What is wrong with it.</summary>
    public string Reason { get; } = reason;
}

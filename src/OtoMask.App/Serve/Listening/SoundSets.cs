using OtoMask.Corpora;
using OtoMask.Data;

namespace OtoMask.App.Serve.Listening;

/// <summary>A set of recordings that pages may show.</summary>
/// <param name="Name">What pages call it.</param>
/// <param name="Path">A folder, or a CSV.</param>
/// <param name="IsTask">Whether its clips have labels and splits.</param>
internal sealed record SoundSet(string Name, string Path, bool IsTask);

/// <summary>The sets of recordings that pages may show: those named at the start, and the tasks and pools assembled in the data folder. Nothing else is ever opened. Thread-safe.</summary>
internal sealed class SoundSets
{
    private readonly IReadOnlyList<SoundSet> named;
    private readonly string dataFolder;
    private readonly Lock turn = new();
    private readonly Dictionary<string, (DateTime Written, ClipList Clips)> lists = [];

    /// <param name="named">Folders of recordings and CSV files.</param>
    /// <param name="dataFolder">Where <c>otomask data fetch</c> puts what it assembles; it may be missing.</param>
    /// <exception cref="UserErrorException">One is neither, or holds no sound.</exception>
    public SoundSets(IReadOnlyList<string> named, string dataFolder)
    {
        this.dataFolder = dataFolder;
        this.named = [.. named.Select(Named)];
        foreach (IGrouping<string, SoundSet> alike in this.named.GroupBy(set => set.Name).Where(alike => alike.Count() > 1))
            throw new UserErrorException($"--data names {alike.Key} twice; give each set of recordings once, under a name of its own");
        foreach (SoundSet set in this.named)
            ClipsOf(set); // what is wrong with it is said now
    }

    /// <summary>All of them, as of now.</summary>
    public IReadOnlyList<SoundSet> All =>
    [
        .. named,
        .. KnownTasks.All.Select(task => task.Name).Select(name => new SoundSet(name, TableOf(name), IsTask: true)).Where(IsThere),
        .. KnownPool.All.Select(pool => pool.Name).Select(name => new SoundSet(name, TableOf(name), IsTask: false)).Where(IsThere),
    ];

    /// <summary>The set of a name.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public SoundSet Find(string name) => All.FirstOrDefault(set => set.Name == name) ?? throw new UserErrorException($"there is no set of recordings {name}");

    /// <summary>The clips of a set that can be heard.</summary>
    /// <exception cref="UserErrorException">It cannot be read any more.</exception>
    public ClipList ClipsOf(SoundSet set)
    {
        DateTime written = File.GetLastWriteTimeUtc(set.Path); // of a folder: when something was added or taken away right in it
        lock (turn)
        {
            if (lists.TryGetValue(set.Path, out var list) && list.Written == written)
                return list.Clips;
            ClipList found = Directory.Exists(set.Path) ? ClipScanner.ScanFolder(set.Path) : ClipScanner.ReadCsv(set.Path, root: null);
            var clips = new ClipList(found.Where(clip => !ClipScanner.IsLogMel(clip.Path)));
            if (clips.Count == 0)
                throw new UserErrorException($"{set.Path} holds no sound; name a folder of recordings, or a CSV with a file_name column");
            lists[set.Path] = (written, clips);
            return clips;
        }
    }

    /// <summary>A clip of a set.</summary>
    /// <exception cref="UserErrorException">It has none of that name.</exception>
    public Clip ClipOf(SoundSet set, string name) => ClipsOf(set).FirstOrDefault(clip => clip.Name == name) ?? throw new UserErrorException($"{set.Name} has no clip {OneLine.Of(name)}");

    private string TableOf(string name) => Path.Combine(dataFolder, name + ".csv");

    private bool IsThere(SoundSet set) => File.Exists(set.Path) && named.All(other => other.Name != set.Name);

    private static SoundSet Named(string path)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        if (Directory.Exists(path))
            return new SoundSet(name, Path.GetFullPath(path), IsTask: false);
        if (!File.Exists(path) || !path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase))
            throw new UserErrorException($"--data {path}: there is no such folder or CSV; name recordings that the page may show");
        bool isTask = CsvTable.Read(path, ["file_name"], ["label", "split"]) is [{ Fields: [_, { Length: > 0 }, { Length: > 0 }] }, ..];
        return new SoundSet(Path.GetFileNameWithoutExtension(name), Path.GetFullPath(path), isTask);
    }
}

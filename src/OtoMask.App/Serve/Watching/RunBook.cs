using OtoMask.Runs;
using OtoMask.Studies;

namespace OtoMask.App.Serve.Watching;

/// <summary>The runs, fine-tunings and studies below a folder, found as they appear, looked at again and again while somebody watches.</summary>
/// <remarks>Any number of pages may ask from any thread. One look goes on at a time.</remarks>
internal sealed class RunBook
{
    private const int Deepest = 8, MostFolders = 20_000, MostRuns = 2_000;
    private const int BytesOfALook = 1 << 25, BytesOfARun = 1 << 22; // of logs in one look: a training beside it must not notice
    private const int LooksAtTheQuiet = 5; // whether somebody goes on with a run that was quiet is asked less often
    private static readonly TimeSpan BetweenSearches = TimeSpan.FromSeconds(3);

    private readonly string root;
    private readonly Lock turn = new();
    private readonly Dictionary<string, Watched> known = [];
    private readonly Dictionary<string, long> versions = []; // of a line: the look that last changed it
    private long look;
    private DateTime searched;
    private long lookedAt;

    /// <param name="root">The folder that is served.</param>
    /// <exception cref="UserErrorException">There is none.</exception>
    public RunBook(string root)
    {
        if (!Directory.Exists(root))
            throw new UserErrorException($"there is no folder {root}; name the one that runs lie in");
        this.root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
    }

    /// <summary>While somebody watches, it looks about so often.</summary>
    public TimeSpan BetweenLooks { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Looks at everything once.</summary>
    public void Look()
    {
        lock (turn)
        {
            look++;
            if (DateTime.UtcNow - searched > BetweenSearches)
            {
                Search();
                searched = DateTime.UtcNow;
            }
            int budget = BytesOfALook;
            foreach (Watched watched in known.Values)
            {
                if (watched.IsQuiet && look % LooksAtTheQuiet != 0)
                    continue;
                int share = Math.Min(budget, BytesOfARun);
                if (watched.Look(share))
                    versions[watched.Id] = look;
                budget -= watched.HasMore ? share : 0;
            }
        }
    }

    /// <summary>However many pages are open, nobody looks more than about once a second.</summary>
    public void LookIfStale()
    {
        long now = Environment.TickCount64, last = Interlocked.Read(ref lookedAt);
        if (now - last >= 0.9 * BetweenLooks.TotalMilliseconds && Interlocked.CompareExchange(ref lookedAt, now, last) == last)
            Look();
    }

    /// <summary>The lines that changed after a look, and the ids of all; a page that has seen look 0 sees everything.</summary>
    public (long Look, IReadOnlyList<RunLine> Changed, IReadOnlyList<string> Ids) Since(long seen)
    {
        lock (turn)
            return (look, [.. known.Values.Where(watched => versions[watched.Id] > seen).Select(watched => watched.Line).OrderBy(line => line.Id, StringComparer.Ordinal)], [.. known.Keys]);
    }

    /// <summary>Does something with a watched folder while nobody else looks at it.</summary>
    /// <returns>False where there is none of that id.</returns>
    public bool With(string id, Action<Watched> act)
    {
        lock (turn)
        {
            if (!known.TryGetValue(id, out Watched? watched))
                return false;
            act(watched);
            return true;
        }
    }

    /// <summary>A run, as of the last look or of one now.</summary>
    /// <exception cref="UserErrorException">There is none of that id.</exception>
    public WatchedRun Run(string id)
    {
        Watched? found = null;
        if (!With(id, watched => found = watched))
        {
            LookIfStale();
            With(id, watched => found = watched);
        }
        return found as WatchedRun ?? throw new UserErrorException($"there is no run {OneLine.Of(id)}");
    }

    /// <summary>Whether nothing between the folder that is served and a file in it is a link, which could lead anywhere.</summary>
    public bool Holds(string file)
    {
        for (string? at = file; at is not null && at.Length > root.Length; at = Path.GetDirectoryName(at))
        {
            if (new FileInfo(at).LinkTarget is not null)
                return false;
        }
        return File.Exists(file);
    }

    private void Search()
    {
        Dictionary<string, Func<Watched>> found = [];
        int visited = 0;
        Visit(root, depth: 0);
        foreach (string gone in known.Keys.Except(found.Keys).ToList())
        {
            known.Remove(gone);
            versions.Remove(gone);
        }
        foreach ((string id, Func<Watched> open) in found)
        {
            if (known.ContainsKey(id))
                continue;
            known[id] = open();
            versions[id] = look;
        }

        void Visit(string folder, int depth)
        {
            if (++visited > MostFolders || found.Count >= MostRuns)
                return;
            string id = folder == root ? "." : Path.GetRelativePath(root, folder).Replace('\\', '/');
            if (known.TryGetValue(id, out Watched? old) && old is WatchedRun)
            {
                found[id] = () => old;
                return; // its line says where it has become something else
            }
            if (Holds(new StudyFolder(folder).Config))
                found[id] = () => new WatchedStudy(id, folder);
            else if (new RunFolder(folder) is var run && Holds(run.Config) && (Holds(run.Log) || run.Checkpoints.Count > 0))
            {
                found[id] = () => new WatchedRun(id, folder);
                return; // a run holds no runs
            }
            if (depth == Deepest)
                return;
            // Neither hidden folders nor links: what is served stays below the folder.
            var within = new EnumerationOptions { AttributesToSkip = FileAttributes.Hidden | FileAttributes.System | FileAttributes.ReparsePoint, IgnoreInaccessible = true };
            foreach (string inner in Directory.EnumerateDirectories(folder, "*", within).Order(StringComparer.Ordinal))
                Visit(inner, depth + 1);
        }
    }
}

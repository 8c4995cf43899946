using OtoMask.App.Serve.Listening;
using OtoMask.App.Serve.Watching;

namespace OtoMask.App.Serve.Mapping;

/// <summary>How far a map is.</summary>
/// <param name="Id">What the page calls it.</param>
/// <param name="What">What is being done.</param>
/// <param name="Done">Units done of that.</param>
/// <param name="All">Units in all.</param>
/// <param name="Problem">Why there will be none; else null.</param>
internal sealed record MapProgress(string Id, string What, int Done, int All, string? Problem = null)
{
    /// <summary>Whether it is there.</summary>
    public bool IsReady { get; init; }
}

/// <summary>Makes maps, one at a time, in the background, and keeps the last ones. Thread-safe.</summary>
/// <param name="book">The runs.</param>
/// <param name="sets">The recordings.</param>
internal sealed class MapDesk(RunBook book, SoundSets sets)
{
    private const int MostMaps = 3;
    private readonly Lock turn = new();
    private readonly List<Made> maps = [];
    private long count;

    /// <summary>Begins a map.</summary>
    /// <param name="run">Whose encoder.</param>
    /// <param name="isUntrained">Whether it is taken as it was before training.</param>
    /// <param name="set">Of which recordings.</param>
    /// <param name="ending">Ends it.</param>
    /// <exception cref="UserErrorException">There is no such run or set, or another map is being made.</exception>
    public MapProgress Begin(string run, bool isUntrained, string set, CancellationToken ending)
    {
        SoundSet chosen = sets.Find(set);
        book.Run(run);
        lock (turn)
        {
            if (maps.Any(map => map.Map is null && map.Progress.Problem is null))
                throw new UserErrorException("another map is being made; wait for it");
            var made = new Made(new MapProgress($"{++count}", "load the encoder", 0, 1), chosen);
            maps.Add(made);
            if (maps.Count > MostMaps)
                maps.RemoveAt(0);
            _ = Task.Run(() => Make(made, run, isUntrained, ending), CancellationToken.None);
            return made.Progress;
        }
    }

    /// <summary>How far a map is.</summary>
    /// <exception cref="UserErrorException">Others have taken its place.</exception>
    public MapProgress ProgressOf(string id) => Find(id).Progress;

    /// <summary>A map that is there, and what it is of.</summary>
    /// <exception cref="UserErrorException">It is not there.</exception>
    public (ClipMap Map, SoundSet Set) Get(string id) => Find(id) is { Map: { } map } made ? (map, made.Set) : throw new UserErrorException($"map {id} is not ready");

    private void Make(Made made, string run, bool isUntrained, CancellationToken ending)
    {
        string id = made.Progress.Id;
        try
        {
            var tell = new Relay<WorkProgress>(told => made.Progress = new MapProgress(id, told.What, told.Done, told.All));
            made.Map = ClipMap.Make(book, run, isUntrained, sets, made.Set, tell, ending);
            made.Progress = new MapProgress(id, "ready", 1, 1) { IsReady = true };
        }
        catch (OperationCanceledException)
        {
            made.Progress = made.Progress with { Problem = "the server ends" };
        }
        catch (Exception problem) // nobody waits for this task: what is not told here is told to nobody
        {
            made.Progress = made.Progress with { Problem = OneLine.Of(problem.Message) };
        }
    }

    private Made Find(string id)
    {
        lock (turn)
            return maps.Find(map => map.Progress.Id == id) ?? throw new UserErrorException($"the server holds that map no more (it keeps the last {MostMaps}); make it again");
    }

    /// <summary>A map, made or being made.</summary>
    private sealed class Made(MapProgress progress, SoundSet set)
    {
        public readonly SoundSet Set = set;
        public volatile MapProgress Progress = progress;
        public volatile ClipMap? Map;
    }
}

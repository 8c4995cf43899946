namespace OtoMask.Corpora;

/// <summary>How much audio besides the tasks' own goes into a pre-training pool.</summary>
internal enum PoolBreadth
{
    /// <summary>The other audio of the packages that the tasks need: nothing more is downloaded.</summary>
    SamePackages,

    /// <summary>All audio of the small benchmark, whichever of its tasks are scored.</summary>
    Everything,

    /// <summary>All audio of the small benchmark and of the wider tasks, and more; only clips of <see cref="PretrainingPool.LongSeconds"/> or longer.</summary>
    LongClips,
}

/// <summary>What a pre-training pool is made of.</summary>
/// <param name="Tasks">The tasks that may be scored after it: it holds no test clip of them.</param>
/// <param name="Breadth">Which audio besides theirs goes in.</param>
internal sealed record PoolRecipe(IReadOnlyList<TaskRecipe> Tasks, PoolBreadth Breadth)
{
    private static readonly IReadOnlyList<IClipSource> Unlabelled = [PackagedAudio.DrumLoops, PackagedAudio.GameMusic, PackagedAudio.Dialogues];

    private static readonly IReadOnlyList<IClipSource> Long = [PackagedAudio.Scores, PackagedAudio.Sentences];

    /// <summary>Where its clips come from: the tasks' sources first.</summary>
    public IReadOnlyList<IClipSource> Sources => [.. SourcesOf(Tasks).Concat(OtherSources()).Distinct()];

    /// <summary>The Debian packages it is made of, without fluidsynth.</summary>
    public IReadOnlyList<string> Packages => [.. Sources.SelectMany(source => source.Packages).Distinct()];

    /// <summary>Name of its CSV, without extension: a <see cref="KnownPool"/>'s, else with the tasks it may be scored on.</summary>
    public string FileName
    {
        get
        {
            KnownPool? known = KnownPool.All.FirstOrDefault(pool => pool.Recipe.Breadth == Breadth);
            return known is not null && Tasks.ToHashSet().SetEquals(known.Recipe.Tasks)
                ? known.Name
                : $"{known?.Name ?? "pool"}-{string.Join('+', Tasks.Select(task => task.Name))}";
        }
    }

    private IEnumerable<IClipSource> OtherSources()
    {
        HashSet<string> packages = [.. Tasks.SelectMany(task => task.Packages)];
        return Breadth switch
        {
            PoolBreadth.SamePackages => Unlabelled.Where(source => source.Packages.All(packages.Contains)),
            PoolBreadth.Everything => [.. SourcesOf(KnownTasks.Benchmark), .. Unlabelled],
            _ => [.. SourcesOf(KnownTasks.Benchmark), .. SourcesOf(KnownTasks.Wider), .. Unlabelled, .. Long],
        };
    }

    private static IEnumerable<IClipSource> SourcesOf(IEnumerable<TaskRecipe> tasks) => tasks.SelectMany(task => task.Sources);
}

namespace OtoMask.Corpora;

/// <summary>
/// Unlabelled audio for pre-training: the clips of the tasks' sources that no task tests on (with or without a label), and
/// other audio. Never a test clip, nor any copy of its samples, nor a clip of a group tested on.
/// </summary>
internal static class PretrainingPool
{
    /// <summary>What the pool of the whole benchmark is called.</summary>
    public const string Name = "unlabelled";

    private static readonly IReadOnlyList<IClipSource> Unlabelled = [PackagedAudio.DrumLoops, PackagedAudio.GameMusic, PackagedAudio.Dialogues];

    /// <summary>The Debian packages of the pool of the whole benchmark, without fluidsynth.</summary>
    public static IReadOnlyList<string> Packages => [.. Sources(KnownTasks.Benchmark, PoolBreadth.Everything).SelectMany(source => source.Packages).Distinct()];

    /// <summary>File name of the pool, without extension: <c>unlabelled</c> for the whole benchmark, else with the tasks it may be scored on.</summary>
    internal static string NameFor(IReadOnlyList<TaskRecipe> tasks, PoolBreadth breadth)
    {
        string name = breadth == PoolBreadth.Everything ? Name : "pool";
        return breadth == PoolBreadth.Everything && tasks.ToHashSet().SetEquals(KnownTasks.Benchmark) ? name : $"{name}-{string.Join('+', tasks.Select(task => task.Name))}";
    }

    /// <summary>The sources of a pool that goes with <paramref name="tasks"/>.</summary>
    internal static IReadOnlyList<IClipSource> Sources(IReadOnlyList<TaskRecipe> tasks, PoolBreadth breadth)
    {
        HashSet<string> packages = [.. tasks.SelectMany(task => task.Packages)];
        IEnumerable<IClipSource> others = breadth == PoolBreadth.Everything
            ? [.. KnownTasks.Benchmark.SelectMany(task => task.Sources), .. Unlabelled]
            : Unlabelled.Where(source => source.Packages.All(packages.Contains));
        return [.. tasks.SelectMany(task => task.Sources).Concat(others).Distinct()];
    }

    /// <summary>The clips of the pool, in a fixed order.</summary>
    /// <param name="tasks">The tasks that will be scored.</param>
    /// <param name="breadth">Which other audio to add.</param>
    /// <param name="provide">Gives the clips of a source.</param>
    internal static IReadOnlyList<PoolClip> Choose(IReadOnlyList<AssembledTask> tasks, PoolBreadth breadth, Func<IClipSource, IReadOnlyList<ManifestClip>> provide)
    {
        HashSet<string> testedContents = [.. tasks.SelectMany(task => task.Clips).Where(clip => clip.IsTest).Select(clip => clip.Origin.Sha256)];
        var tested = tasks.Select(task => (task.Recipe, Groups: task.Clips.Where(clip => clip.IsTest).Select(clip => clip.Group).ToHashSet())).ToArray();
        List<PoolClip> pool = [];
        HashSet<string> listed = [];
        foreach (IClipSource source in Sources([.. tasks.Select(task => task.Recipe)], breadth))
        {
            var own = tested.Where(task => task.Recipe.Sources.Contains(source)).ToArray();
            foreach (ManifestClip clip in provide(source))
            {
                bool isTested = testedContents.Contains(clip.Sha256) || own.Any(task => task.Groups.Contains(task.Recipe.Group(clip)));
                if (!isTested && listed.Add(clip.Sha256))
                    pool.Add(new PoolClip($"{source.Name}/{clip.FileName}", clip));
            }
        }
        return pool;
    }
}

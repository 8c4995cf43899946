namespace OtoMask.Corpora;

/// <summary>
/// Unlabelled audio for pre-training: the clips of the tasks' sources that no task tests on (with or without a label), and
/// other audio. Never a test clip, nor any copy of its samples, nor a clip of a group tested on.
/// </summary>
internal static class PretrainingPool
{
    /// <summary>The length of a clip that fills an input of 2.5 s (249 to 256 frames), wherever in it the crop begins.</summary>
    public const double LongSeconds = 2.6;

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
        foreach (IClipSource source in new PoolRecipe([.. tasks.Select(task => task.Recipe)], breadth).Sources)
        {
            var own = tested.Where(task => task.Recipe.Sources.Contains(source)).ToArray();
            foreach (ManifestClip clip in provide(source))
            {
                bool isTested = testedContents.Contains(clip.Sha256) || own.Any(task => task.Groups.Contains(task.Recipe.Group(clip)));
                bool isShort = breadth == PoolBreadth.LongClips && clip.Seconds < LongSeconds;
                if (!isTested && !isShort && listed.Add(clip.Sha256))
                    pool.Add(new PoolClip($"{source.Name}/{clip.FileName}", clip));
            }
        }
        return pool;
    }
}

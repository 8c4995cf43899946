namespace OtoMask.Corpora;

/// <summary>
/// Unlabelled audio for pre-training: the clips of the tasks' sources that no task tests on (with or without a label), and
/// the other audio of the same packages. Never a test clip, nor any copy of its samples, nor a clip of a group tested on.
/// </summary>
internal static class PretrainingPool
{
    /// <summary>What is added to the tasks' own sources.</summary>
    public static readonly IClipSource Extra = new PackagedAudio();

    /// <summary>The files of the pool, relative to the library's folder, in a fixed order.</summary>
    /// <param name="tasks">The tasks that will be scored.</param>
    /// <param name="provide">Gives the clips of a source.</param>
    public static IReadOnlyList<string> Choose(IReadOnlyList<AssembledTask> tasks, Func<IClipSource, IReadOnlyList<ManifestClip>> provide)
    {
        HashSet<string> testedContents = [.. tasks.SelectMany(task => task.Clips).Where(clip => clip.IsTest).Select(clip => clip.Origin.Sha256)];
        List<string> files = [];
        HashSet<string> listed = [];
        foreach (IClipSource source in tasks.Select(task => task.Recipe.Source).Append(Extra).Distinct())
        {
            AssembledTask[] own = [.. tasks.Where(task => task.Recipe.Source == source)];
            HashSet<string>[] testedGroups = [.. own.Select(task => task.Clips.Where(clip => clip.IsTest).Select(clip => clip.Group).ToHashSet())];
            foreach (ManifestClip clip in provide(source))
            {
                bool isTested = testedContents.Contains(clip.Sha256) || own.Zip(testedGroups).Any(pair => pair.Second.Contains(pair.First.Recipe.Group(clip)));
                if (!isTested && listed.Add(clip.Sha256))
                    files.Add($"{source.Name}/{clip.FileName}");
            }
        }
        return files;
    }
}

namespace OtoMask.Corpora;

/// <summary>The tasks that can be assembled from Debian packages.</summary>
public static class KnownTasks
{
    /// <summary>All of them, by family.</summary>
    public static IReadOnlyList<TaskRecipe> All { get; } =
    [
        SpeechTasks.Tones,
        SpeechTasks.TonesCrossSpeaker,
        SpeechTasks.Initials,
        MusicTasks.Instruments,
        MusicTasks.Pitch,
        MusicTasks.Programs,
        PercussionTasks.Drums,
    ];

    /// <summary>The task called <paramref name="name"/>.</summary>
    /// <exception cref="UserErrorException">There is none; the message lists those there are.</exception>
    public static TaskRecipe Find(string name) =>
        All.FirstOrDefault(task => task.Name == name)
        ?? throw new UserErrorException($"no task is called '{name}'; choose one of {string.Join(", ", All.Select(task => task.Name))}");
}

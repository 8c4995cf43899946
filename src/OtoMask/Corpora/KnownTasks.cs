namespace OtoMask.Corpora;

/// <summary>The tasks that can be assembled from Debian packages.</summary>
internal static class KnownTasks
{
    /// <summary>The small benchmark, by family; <c>unlabelled</c> is the pool to pre-train on for it.</summary>
    public static IReadOnlyList<TaskRecipe> Benchmark { get; } =
    [
        EventTasks.Drums,
        SpeechTasks.Tones,
        SpeechTasks.TonesCrossSpeaker,
        SpeechTasks.Initials,
        SpeechTasks.InitialsCrossSpeaker,
        SpeechTasks.Speakers,
        SpeechTasks.WordsLanguage,
        MusicTasks.Instruments,
        MusicTasks.Pitch,
    ];

    /// <summary>What joined later; <c>unlabelled-long</c> is the pool for these and the benchmark.</summary>
    public static IReadOnlyList<TaskRecipe> Wider { get; } =
    [
        EventTasks.GameSounds,
        EventTasks.Percussion,
        SpeechTasks.WordsCrossSpeaker,
        SpeechTasks.NumbersCrossSpeaker,
        SpeechTasks.LettersCrossSpeaker,
    ];

    /// <summary>All of them: the benchmark, the wider ones, then those that take few packages.</summary>
    public static IReadOnlyList<TaskRecipe> All { get; } = [.. Benchmark, .. Wider, EventTasks.DrumsSmall, MusicTasks.Programs];

    /// <summary>The task called <paramref name="name"/>.</summary>
    /// <exception cref="UserErrorException">There is none; the message lists those there are.</exception>
    public static TaskRecipe Find(string name) =>
        All.FirstOrDefault(task => task.Name == name)
        ?? throw new UserErrorException($"no task is called '{name}'; choose one of {string.Join(", ", All.Select(task => task.Name))}");
}

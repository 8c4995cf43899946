using OtoMask.Corpora;

namespace OtoMask.App.Commands;

/// <summary>What the names on a command line stand for.</summary>
/// <param name="Tasks">The labelled tasks, each once.</param>
/// <param name="WithPool">Whether the pre-training pool is among them.</param>
internal sealed record DataSelection(IReadOnlyList<TaskRecipe> Tasks, bool WithPool)
{
    /// <summary>Everything there is.</summary>
    public static DataSelection All { get; } = new(KnownTasks.All, WithPool: true);

    private static IReadOnlyList<string> Names { get; } = [.. KnownTasks.All.Select(task => task.Name), PretrainingPool.Name];

    /// <summary>Looks the names up, all of them before anything is done.</summary>
    /// <exception cref="UserErrorException">One is unknown; the message names the nearest.</exception>
    public static DataSelection Of(IReadOnlyList<string> names)
    {
        if (names.FirstOrDefault(name => !Names.Contains(name)) is { } unknown)
            throw new UserErrorException($"no task is called '{unknown}'{Nearest.Hint(unknown, Names)} (otomask data list shows all)");
        return new DataSelection([.. names.Distinct().Where(name => name != PretrainingPool.Name).Select(KnownTasks.Find)], names.Contains(PretrainingPool.Name));
    }
}

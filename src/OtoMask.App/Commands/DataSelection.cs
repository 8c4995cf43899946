using OtoMask.Corpora;

namespace OtoMask.App.Commands;

/// <summary>What the names on a command line stand for.</summary>
/// <param name="Tasks">The labelled tasks, each once.</param>
/// <param name="Pools">The pools to pre-train on, each once.</param>
internal sealed record DataSelection(IReadOnlyList<TaskRecipe> Tasks, IReadOnlyList<KnownPool> Pools)
{
    /// <summary>Everything there is.</summary>
    public static DataSelection All { get; } = new(KnownTasks.All, KnownPool.All);

    private static IReadOnlyList<string> Names { get; } = [.. KnownTasks.All.Select(task => task.Name), .. KnownPool.All.Select(pool => pool.Name)];

    /// <summary>Looks the names up, all of them before anything is done.</summary>
    /// <exception cref="UserErrorException">One is unknown; the message names the nearest.</exception>
    public static DataSelection Of(IReadOnlyList<string> names)
    {
        if (names.FirstOrDefault(name => !Names.Contains(name)) is { } unknown)
            throw new UserErrorException($"no task is called '{unknown}'{Nearest.Hint(unknown, Names)} (otomask data list shows all)");
        return new DataSelection(
            [.. names.Distinct().Where(name => KnownPool.All.All(pool => pool.Name != name)).Select(KnownTasks.Find)],
            [.. KnownPool.All.Where(pool => names.Contains(pool.Name))]);
    }
}

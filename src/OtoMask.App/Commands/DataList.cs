using OtoMask.Corpora;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary><c>otomask data list</c>: every task in a row.</summary>
internal static class DataList
{
    private const string Unknown = "?";

    public static void Show(string dataFolder, CancellationToken cancellation)
    {
        var assembler = new TaskAssembler(dataFolder);
        string? problem = TryAskForEverything(assembler, cancellation);
        Table table = new Table().WithColumns("name", "family", "what it tells apart; how it is split", "classes", "clips", "MB to download", "assembled");
        foreach (TaskRecipe recipe in KnownTasks.All)
        {
            AssembledTask? task = assembler.Find(recipe);
            table.WithRow(
                recipe.Name,
                recipe.Family,
                recipe.Summary,
                DataText.Count(task is null ? recipe.Known.Classes : task.Clips.Select(clip => clip.Label).Distinct().Count()),
                DataText.Count(task is null ? recipe.Known.Clips : task.Clips.Count),
                ToDownload(() => assembler.Cost([recipe], cancellation: cancellation)),
                task is null ? "no" : "yes");
        }
        foreach (KnownPool known in KnownPool.All)
        {
            AssembledPool? pool = assembler.FindPool(known.Recipe);
            table.WithRow(
                known.Name,
                "all",
                known.Summary,
                "",
                pool is null ? Unknown : DataText.Count(pool.Clips.Count),
                ToDownload(() => assembler.Cost(known.Recipe.Tasks, [known.Recipe], cancellation)),
                pool is null ? "no" : "yes");
        }
        Terminal.Show(table);
        if (problem is not null)
            Terminal.Tell($"what is to download cannot be told: {problem}");
        Terminal.Tell($"in {Path.GetFullPath(dataFolder)}; tasks that share packages download them once");
        Terminal.Tell("next: otomask data fetch NAME... | otomask data describe NAME");
    }

    /// <summary>Has apt asked about all packages in one go; null, or why it cannot be.</summary>
    private static string? TryAskForEverything(TaskAssembler assembler, CancellationToken cancellation)
    {
        try
        {
            assembler.Cost(KnownTasks.All, [.. KnownPool.All.Select(pool => pool.Recipe)], cancellation);
            return null;
        }
        catch (UserErrorException problem)
        {
            return problem.Message;
        }
    }

    private static string ToDownload(Func<FetchCost> cost)
    {
        try
        {
            return DataText.Megabytes(cost().DownloadBytes);
        }
        catch (UserErrorException)
        {
            return Unknown;   // the reason is told once, under the table
        }
    }
}

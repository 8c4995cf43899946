using OtoMask.Corpora;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary><c>otomask data fetch</c>: downloads, unpacks, decodes and tells where the tables lie.</summary>
internal static class DataFetch
{
    public static void Run(DataSelection chosen, string dataFolder, CancellationToken cancellation)
    {
        // The pool leaves out what any task of the benchmark tests on, so it takes them all.
        IReadOnlyList<TaskRecipe> tasks = chosen.WithPool ? [.. KnownTasks.Benchmark.Union(chosen.Tasks)] : chosen.Tasks;
        FetchCost cost = new TaskAssembler(dataFolder).Cost(tasks, chosen.WithPool ? PoolBreadth.Everything : null, cancellation);
        Announce(cost, dataFolder);
        try
        {
            (IReadOnlyList<AssembledTask> assembled, AssembledPool? pool) = Terminal.WithProgress(tell =>
                Assemble(new TaskAssembler(dataFolder, new Relay<AssemblyProgress>(told => tell(told.Activity, told.Done, told.Total))), tasks, chosen.WithPool, cancellation));
            Tell(assembled, pool);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("what is done stays; the same command goes on from there");
            throw;
        }
    }

    /// <summary>Says what will be downloaded, and refuses what will not fit before it begins.</summary>
    public static void Announce(FetchCost cost, string dataFolder)
    {
        if (cost.DownloadBytes == 0)
        {
            Console.WriteLine($"nothing to download for {Path.GetFullPath(dataFolder)}");
            return;
        }
        long free = FreeBytes(dataFolder);
        Console.WriteLine($"downloading {DataText.Megabytes(cost.DownloadBytes)} MB of Debian packages into {Path.GetFullPath(dataFolder)} (unpacked, not installed)");
        Console.WriteLine($"needs {DataText.Megabytes(cost.DiskBytes)} MB of disk, {DataText.Megabytes(free)} MB are free");
        if (free < cost.DiskBytes)
            throw new IOException($"{Path.GetFullPath(dataFolder)} has {DataText.Megabytes(free)} MB free and {DataText.Megabytes(cost.DiskBytes)} MB are needed; free some space, fetch fewer tasks or name another folder with --data-dir");
    }

    private static (IReadOnlyList<AssembledTask> Tasks, AssembledPool? Pool) Assemble(
        TaskAssembler assembler, IReadOnlyList<TaskRecipe> recipes, bool withPool, CancellationToken cancellation)
    {
        AssembledTask[] tasks = [.. recipes.Select(recipe => assembler.Assemble(recipe, cancellation))];
        AssembledPool? pool = withPool
            ? assembler.AssemblePretrainingPool([.. tasks.Where(task => KnownTasks.Benchmark.Contains(task.Recipe))], PoolBreadth.Everything, cancellation)
            : null;
        return (tasks, pool);
    }

    private static void Tell(IReadOnlyList<AssembledTask> tasks, AssembledPool? pool)
    {
        foreach (AssembledTask task in tasks)
        {
            string classes = DataText.Count(task.Clips.Select(clip => clip.Label).Distinct().Count());
            Console.WriteLine($"{task.Recipe.Name}: {DataText.Count(task.Clips.Count)} clips in {classes} classes, {DataText.Duration(task.Clips.Sum(clip => clip.Origin.Seconds))}");
        }
        if (pool is not null)
            Console.WriteLine($"{PretrainingPool.Name}: {DataText.Count(pool.Clips.Count)} clips, {DataText.Duration(3600 * pool.Hours)}");
        if (pool is not null)
            Console.WriteLine($"pre-train: otomask pretrain --data {pool.CsvPath} --minutes 60 --out my-run");
        Console.WriteLine($"judge an encoder: otomask probe my-run --task {tasks[0].CsvPath}");
    }

    private static long FreeBytes(string folder)
    {
        string place = Path.GetFullPath(folder);
        while (!Directory.Exists(place))
            place = Path.GetDirectoryName(place)!;
        return new DriveInfo(place).AvailableFreeSpace;
    }
}

using OtoMask.Corpora;
using Spectre.Console;

namespace OtoMask.App.Commands;

/// <summary><c>otomask data fetch</c>: downloads, unpacks, decodes and tells where the tables lie.</summary>
internal static class DataFetch
{
    public static void Run(DataSelection chosen, string dataFolder, CancellationToken cancellation)
    {
        try
        {
            // The pool leaves out what any task of the benchmark tests on, so it takes them all.
            (IReadOnlyList<AssembledTask> tasks, AssembledPool? pool) = chosen.WithPool
                ? Assemble([.. KnownTasks.Benchmark.Union(chosen.Tasks)], KnownTasks.Benchmark, dataFolder, cancellation)
                : Assemble(chosen.Tasks, poolFor: null, dataFolder, cancellation);
            Tell(tasks, pool);
        }
        catch (OperationCanceledException)
        {
            Terminal.Tell("what is done stays; the same command goes on from there");
            throw;
        }
    }

    /// <summary>Says what it will cost, then downloads and assembles, with a bar for each package.</summary>
    /// <param name="tasks">What to assemble.</param>
    /// <param name="poolFor">Those of them that the pre-training pool must hold no test clip of; null for no pool.</param>
    /// <param name="dataFolder">Where assembled audio is kept.</param>
    /// <param name="cancellation">Stops it; what is done stays.</param>
    /// <exception cref="UserErrorException">A package is not to be had.</exception>
    /// <exception cref="IOException">It does not fit the disk.</exception>
    public static (IReadOnlyList<AssembledTask> Tasks, AssembledPool? Pool) Assemble(
        IReadOnlyList<TaskRecipe> tasks, IReadOnlyList<TaskRecipe>? poolFor, string dataFolder, CancellationToken cancellation)
    {
        Announce(new TaskAssembler(dataFolder).Cost(tasks, poolFor is null ? null : PoolBreadth.Everything, cancellation), dataFolder);
        return Terminal.WithProgress(tell =>
        {
            var assembler = new TaskAssembler(dataFolder, tell);
            AssembledTask[] assembled = [.. tasks.Select(task => assembler.Assemble(task, cancellation))];
            AssembledPool? pool = poolFor is null
                ? null
                : assembler.AssemblePretrainingPool([.. assembled.Where(task => poolFor.Contains(task.Recipe))], PoolBreadth.Everything, cancellation);
            return (assembled, pool);
        });
    }

    /// <summary>Says what will be downloaded, and refuses what will not fit before it begins.</summary>
    public static void Announce(FetchCost cost, string dataFolder)
    {
        if (cost.DownloadBytes == 0)
        {
            Terminal.Tell($"nothing to download for {Path.GetFullPath(dataFolder)}");
            return;
        }
        long free = FreeBytes(dataFolder);
        Terminal.Tell($"downloading {DataText.Megabytes(cost.DownloadBytes)} MB of Debian packages into {Path.GetFullPath(dataFolder)} (unpacked, not installed)");
        Terminal.Tell($"needs {DataText.Megabytes(cost.DiskBytes)} MB of disk, {DataText.Megabytes(free)} MB are free");
        if (free < cost.DiskBytes)
            throw new IOException($"{Path.GetFullPath(dataFolder)} has {DataText.Megabytes(free)} MB free and {DataText.Megabytes(cost.DiskBytes)} MB are needed; free some space, fetch fewer tasks or name another folder with --data-dir");
    }

    private static void Tell(IReadOnlyList<AssembledTask> tasks, AssembledPool? pool)
    {
        foreach (AssembledTask task in tasks)
        {
            string classes = DataText.Count(task.Clips.Select(clip => clip.Label).Distinct().Count());
            Terminal.Tell($"{task.Recipe.Name}: {DataText.Count(task.Clips.Count)} clips in {classes} classes, {DataText.Duration(task.Clips.Sum(clip => clip.Origin.Seconds))}");
        }
        if (pool is not null)
            Terminal.Tell($"{PretrainingPool.Name}: {DataText.Count(pool.Clips.Count)} clips, {DataText.Duration(3600 * pool.Hours)}");
        if (pool is not null)
            Terminal.Tell($"pre-train: otomask pretrain --data {pool.CsvPath} --minutes 60 --out my-run");
        Terminal.Tell($"judge an encoder: otomask probe my-run --task {tasks[0].CsvPath}");
    }

    private static long FreeBytes(string folder)
    {
        string place = Path.GetFullPath(folder);
        while (!Directory.Exists(place))
            place = Path.GetDirectoryName(place)!;
        return new DriveInfo(place).AvailableFreeSpace;
    }
}

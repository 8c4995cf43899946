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
            // A pool leaves out what any of its tasks tests on, so it takes them all.
            TaskRecipe[] tasks = [.. chosen.Pools.SelectMany(pool => pool.Recipe.Tasks).Union(chosen.Tasks)];
            (IReadOnlyList<AssembledTask> assembled, IReadOnlyList<AssembledPool> pools) =
                Assemble(tasks, [.. chosen.Pools.Select(pool => pool.Recipe)], dataFolder, cancellation);
            Tell(assembled, pools);
        }
        catch (OperationCanceledException)
        {
            Terminal.Tell("what is done stays; the same command goes on from there");
            throw;
        }
    }

    /// <summary>Says what it will cost, then downloads and assembles, with a bar for each package.</summary>
    /// <param name="tasks">What to assemble.</param>
    /// <param name="pools">Pools to assemble, too, each for some of the tasks.</param>
    /// <param name="dataFolder">Where assembled audio is kept.</param>
    /// <param name="cancellation">Stops it; what is done stays.</param>
    /// <exception cref="UserErrorException">A package is not to be had.</exception>
    /// <exception cref="IOException">It does not fit the disk.</exception>
    public static (IReadOnlyList<AssembledTask> Tasks, IReadOnlyList<AssembledPool> Pools) Assemble(
        IReadOnlyList<TaskRecipe> tasks, IReadOnlyList<PoolRecipe> pools, string dataFolder, CancellationToken cancellation)
    {
        Announce(new TaskAssembler(dataFolder).Cost(tasks, pools, cancellation), dataFolder);
        return Terminal.WithProgress(tell =>
        {
            var assembler = new TaskAssembler(dataFolder, tell);
            AssembledTask[] assembled = [.. tasks.Select(task => assembler.Assemble(task, cancellation))];
            return ((IReadOnlyList<AssembledTask>)assembled, (IReadOnlyList<AssembledPool>)
            [
                .. pools.Select(pool => assembler.AssemblePretrainingPool([.. assembled.Where(task => pool.Tasks.Contains(task.Recipe))], pool.Breadth, cancellation)),
            ]);
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

    private static void Tell(IReadOnlyList<AssembledTask> tasks, IReadOnlyList<AssembledPool> pools)
    {
        foreach (AssembledTask task in tasks)
        {
            string classes = DataText.Count(task.Clips.Select(clip => clip.Label).Distinct().Count());
            Terminal.Tell($"{task.Recipe.Name}: {DataText.Count(task.Clips.Count)} clips in {classes} classes, {DataText.Duration(task.Clips.Sum(clip => clip.Origin.Seconds))}");
        }
        foreach (AssembledPool pool in pools)
            Terminal.Tell($"{Path.GetFileNameWithoutExtension(pool.CsvPath)}: {DataText.Count(pool.Clips.Count)} clips, {DataText.Duration(3600 * pool.Hours)}");
        foreach (AssembledPool pool in pools)
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

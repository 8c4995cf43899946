using OtoMask.App.Commands;
using OtoMask.Corpora;
using OtoMask.Studies;

namespace OtoMask.App.Study;

/// <summary>Finds or assembles the tasks and the pool that a study names.</summary>
internal static class StudyData
{
    /// <summary>The study with its data on the disk.</summary>
    /// <param name="config">The study.</param>
    /// <param name="dataFolder">Where assembled audio is kept.</param>
    /// <param name="studyFolder">What paths in the study are relative to.</param>
    /// <param name="cancellation">Stops downloads and decoding; what is done stays.</param>
    /// <exception cref="UserErrorException">A task or a package is not to be had.</exception>
    public static StudyPlan Resolve(StudyConfig config, string dataFolder, string studyFolder, CancellationToken cancellation)
    {
        TaskRecipe[] recipes = [.. config.Tasks.Where(task => task.Family is null).Select(task => KnownTasks.Find(task.Name))];
        KnownPool? named = KnownPool.All.FirstOrDefault(pool => pool.Name == config.Data);
        if (named is not null && recipes.Length < config.Tasks.Count)
            throw new UserErrorException($"data: '{named.Name}' is made of tasks that OtoMask assembles, and a task here is a CSV of yours; name a folder of audio instead, without its test clips");
        PoolRecipe[] pools = named is null ? [] : [named.Recipe with { Tasks = recipes }];
        (IReadOnlyList<AssembledTask> assembled, IReadOnlyList<AssembledPool> assembledPools) =
            recipes.Length > 0 ? DataFetch.Assemble(recipes, pools, dataFolder, cancellation) : ([], []);
        StudyTask Find(StudyTaskName name)
        {
            if (name.Family is not null)
                return StudyTask.OfCsv(Path.GetFullPath(name.Name, studyFolder), name.Family, name.Seconds);
            AssembledTask task = assembled.First(task => task.Recipe.Name == name.Name);
            return StudyTask.OfCsv(task.CsvPath, task.Recipe.Family) with { Hash = task.ContentHash };
        }
        return new StudyPlan(config, [.. config.Tasks.Select(Find)], assembledPools.FirstOrDefault()?.CsvPath ?? Path.GetFullPath(config.Data, studyFolder));
    }
}

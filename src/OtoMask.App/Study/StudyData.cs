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
        PoolBreadth? pool = config.Data == StudyConfig.Unlabelled ? PoolBreadth.Everything : null;
        if (pool is not null && recipes.Length < config.Tasks.Count)
            throw new UserErrorException($"data: '{StudyConfig.Unlabelled}' is made of tasks that OtoMask assembles, and a task here is a CSV of yours; name a folder of audio instead, without its test clips");
        if (recipes.Length > 0)
            DataFetch.Announce(new TaskAssembler(dataFolder).Cost(recipes, pool, cancellation), dataFolder);

        (AssembledTask[] assembled, string? poolCsv) = Terminal.WithProgress(tell =>
        {
            var assembler = new TaskAssembler(dataFolder, new Relay<AssemblyProgress>(told => tell(told.Activity, told.Done, told.Total)));
            AssembledTask[] done = [.. recipes.Select(recipe => assembler.Assemble(recipe, cancellation))];
            return (done, pool is { } breadth ? assembler.AssemblePretrainingPool(done, breadth, cancellation).CsvPath : null);
        });
        StudyTask Find(StudyTaskName name)
        {
            if (name.Family is not null)
                return StudyTask.OfCsv(Path.GetFullPath(name.Name, studyFolder), name.Family, name.Seconds);
            AssembledTask task = assembled.First(task => task.Recipe.Name == name.Name);
            return StudyTask.OfCsv(task.CsvPath, task.Recipe.Family) with { Hash = task.ContentHash };
        }
        return new StudyPlan(config, [.. config.Tasks.Select(Find)], poolCsv ?? Path.GetFullPath(config.Data, studyFolder));
    }
}

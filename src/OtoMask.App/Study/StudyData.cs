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
    /// <exception cref="UserErrorException">A task or a package is not to be had.</exception>
    public static StudyPlan Resolve(StudyConfig config, string dataFolder, string studyFolder)
    {
        var assembled = new List<AssembledTask>();
        StudyTask Assemble(StudyTaskName name)
        {
            AssembledTask task = Terminal.WithProgress($"assembling {name.Name}", progress =>
                new TaskAssembler(dataFolder, Counting(progress)).Assemble(KnownTasks.Find(name.Name)));
            assembled.Add(task);
            return StudyTask.OfCsv(task.CsvPath, task.Recipe.Family) with { Hash = task.ContentHash };
        }

        StudyTask[] tasks =
        [
            .. config.Tasks.Select(task => task.Family is null ? Assemble(task) : StudyTask.OfCsv(Path.GetFullPath(task.Name, studyFolder), task.Family, task.Seconds)),
        ];
        if (config.Data != StudyConfig.Unlabelled)
            return new StudyPlan(config, tasks, Path.GetFullPath(config.Data, studyFolder));
        if (assembled.Count < tasks.Length)
            throw new UserErrorException($"data: '{StudyConfig.Unlabelled}' is made of tasks that OtoMask assembles, and a task here is a CSV of yours; name a folder of audio instead, without its test clips");
        string pool = Terminal.WithProgress("assembling the pool", progress => new TaskAssembler(dataFolder, Counting(progress)).AssemblePretrainingPool(assembled, PoolBreadth.Everything).CsvPath);
        return new StudyPlan(config, tasks, pool);
    }

    private static Relay<AssemblyProgress> Counting(Action<int, int> tell) => new(told => tell(told.Done, told.Total));
}

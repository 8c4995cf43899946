namespace OtoMask.Studies;

/// <summary>One task as a study measured on it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Family">events, speech, music or the user's word.</param>
/// <param name="Classes">Number of labels.</param>
/// <param name="Clips">Clips of all splits.</param>
/// <param name="TestClips">Clips tested on; all where there are folds.</param>
/// <param name="Hash">SHA-256 of its rows and clips (<see cref="StudyTask"/>).</param>
internal sealed record TaskProvenance(string Name, string Family, int Classes, int Clips, int TestClips, string Hash)
{
    /// <summary>What is to be known of a task.</summary>
    public static TaskProvenance Of(StudyTask task) => new(
        task.Name, task.Family, task.Task.Classes.Count, task.Task.Clips.Count,
        task.Task.Clips.Count(clip => task.Task.Folds.Count > 0 || clip.Split == Data.TaskSplit.Test), task.Hash);
}

/// <summary>What scores were measured on and with: a line of <c>provenance.jsonl</c> for each sitting in which something changed.</summary>
/// <param name="Tasks">The tasks.</param>
/// <param name="PoolClips">Clips to pre-train on.</param>
/// <param name="PoolHash">Hash of the list of those clips.</param>
/// <param name="Version">Version of OtoMask, with its commit where it is known.</param>
/// <param name="Machine">Processor, threads, libtorch, kernels.</param>
internal sealed record StudyProvenance(IReadOnlyList<TaskProvenance> Tasks, int PoolClips, string PoolHash, string Version, string Machine)
{
    /// <summary>Adds the line to a study's folder, unless its last line says the same.</summary>
    /// <param name="folder">The study's folder; exists.</param>
    /// <param name="plan">The study.</param>
    /// <param name="version">Version of OtoMask.</param>
    /// <param name="machine">What it runs on.</param>
    public static void Note(StudyFolder folder, StudyPlan plan, string version, string machine)
    {
        var now = new StudyProvenance([.. plan.Tasks.Select(TaskProvenance.Of)], plan.PoolClips, plan.PoolHash, version, machine);
        if (JsonLines.Read<StudyProvenance>(folder.Provenance).LastOrDefault() is not { } last || !now.SaysTheSameAs(last))
            JsonLines.Append(folder.Provenance, [now]);
    }

    private bool SaysTheSameAs(StudyProvenance other) => other with { Tasks = Tasks } == this && other.Tasks.SequenceEqual(Tasks);
}

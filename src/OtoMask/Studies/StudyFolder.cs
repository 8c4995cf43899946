using OtoMask.Runs;

namespace OtoMask.Studies;

/// <summary>What a study leaves behind, in one folder.</summary>
/// <param name="path">The folder.</param>
public sealed class StudyFolder(string path)
{
    // On Linux an IOException carries the errno for which .NET has no exception of its own.
    private const int FileExists = 17, NotADirectory = 20, ReadOnlyFileSystem = 30;

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>The study, resolved: what <see cref="StudyFile"/> reads.</summary>
    public string Config => Inside("study.yaml");

    /// <summary>A <see cref="StudyRow"/> a line.</summary>
    public string Rows => Inside("rows.jsonl");

    /// <summary>A <see cref="StudyCost"/> a line.</summary>
    public string Costs => Inside("costs.jsonl");

    /// <summary>A <see cref="StudyConfusion"/> a line.</summary>
    internal string Confusions => Inside("confusions.jsonl");

    /// <summary>What the scores were measured on and with: a <see cref="StudyProvenance"/> a line.</summary>
    internal string Provenance => Inside("provenance.jsonl");

    /// <summary>Where every arm masks (<see cref="Masks.StudyMasks"/>).</summary>
    internal string Masks => Inside("masks.json");

    /// <summary>Who was found to compute bfloat16 faster (<see cref="Models.Bf16Choice"/>), once for all runs; only where there was something to choose.</summary>
    internal string Bf16Choice => Inside("bf16.jsonl");

    /// <summary>Log-mels of the pool, computed once for all runs.</summary>
    public string Cache => Inside("cache");

    /// <summary>The page to look at.</summary>
    public string Report => Inside("report.html");

    /// <summary>The files that a study writes here, there or not.</summary>
    public IReadOnlyList<string> Files => [Config, Rows, Costs, Confusions, Provenance, Masks, Bf16Choice, Report];

    /// <summary>Refuses a folder in which a study would replace what it has not written: it is not there yet, is empty, or holds a study.</summary>
    /// <exception cref="UserErrorException">The folder holds other things, or cannot be written.</exception>
    internal void RequireOwn()
    {
        if (File.Exists(Path))
            throw new UserErrorException($"{Path} is a file; choose a folder for the study");
        if (!Directory.Exists(Path))
            return;
        bool holdsStudy = HoldsRows<StudyRow>(Rows) || HoldsRows<StudyCost>(Costs) || HoldsRows<StudyProvenance>(Provenance) || HoldsRows<Models.Bf16Choice>(Bf16Choice);
        if (!holdsStudy && Directory.EnumerateFileSystemEntries(Path).Any(entry => entry != Config && entry != Lock && entry != Workers && !AtomicFile.IsLeftover(entry)))
            throw new UserErrorException($"{Path} is not empty and holds no study; choose another `folder`");
        foreach (string file in Files)
        {
            OutputPlace.Require(file);
            if (new FileInfo(file).LinkTarget is not null)
                throw new UserErrorException($"{file} is a link, and a study writes in its own folder alone; put the file itself in its place");
        }
    }

    /// <summary>Whether a process, or any worker, is at work in it.</summary>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    internal bool IsInWork => FolderLock.IsHeld(Lock);

    private string Lock => Inside(".lock");

    private string Workers => Inside(".workers");

    private static bool HoldsRows<T>(string file) => JsonLines.Read<T>(file).Count > 0;

    /// <summary>Makes the folder where it is missing and keeps other processes from working on the study until the result is disposed or this one ends.</summary>
    /// <exception cref="UserErrorException">Another process is at work in it, or it cannot be written.</exception>
    internal StudyHold Occupy() => OrUserError(() =>
    {
        IDisposable hold = FolderLock.TryTake(Lock)
            ?? throw new UserErrorException($"{Path}: another process is at work on this study; wait for it, stop it first, or start both with `worker` to share the work");
        AtomicFile.RemoveLeftovers(Path);
        return new StudyHold(hold);
    });

    /// <summary>Makes the folder where it is missing and takes a worker's place in it until the result is disposed or this process ends.</summary>
    /// <param name="study">The study file, as <see cref="Config"/> is going to have it.</param>
    /// <exception cref="UserErrorException">A process that is no worker is at work in it, or workers are on another study; or it cannot be written.</exception>
    internal StudyHold Join(string study) => OrUserError(() =>
    {
        bool isFirst;
        using (IDisposable? alone = FolderLock.TryTake(Lock))
        {
            isFirst = alone is not null;
            if (isFirst)
                AtomicFile.RemoveLeftovers(Path);
        }
        IDisposable hold = FolderLock.TryShare(Lock)
            ?? throw new UserErrorException($"{Path}: a process that is no worker is at work on this study; wait for it, or stop it first");
        if (!isFirst && File.Exists(Config) && InputFile.ReadText(Config, InputFile.LargestTable) != study)
        {
            hold.Dispose();
            throw new UserErrorException($"{Path}: workers are at work there on another study file ({Config}); start all with the same, or choose another `folder`");
        }
        return new StudyHold(hold, Workers);
    });

    private StudyHold OrUserError(Func<StudyHold> take)
    {
        try
        {
            Directory.CreateDirectory(Path);
            return take();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException { HResult: NotADirectory or FileExists or ReadOnlyFileSystem })
        {
            throw new UserErrorException($"{Path}: cannot write in it ({error.Message.TrimEnd('.')}); give yourself access or choose another `folder`", error);
        }
    }

    /// <summary>The run of a cell: an ordinary run folder.</summary>
    public RunFolder RunOf(StudyCell cell) => new(System.IO.Path.Combine(Path, "runs", cell.Name));

    /// <summary>The fine-tuning of a cell's encoder on a task: an ordinary run folder.</summary>
    internal RunFolder FineTuningOf(StudyCell cell, StudyTask task) => new(System.IO.Path.Combine(Path, "finetunings", cell.Name, FolderName.Of(task.Name)));

    private string Inside(string name) => System.IO.Path.Combine(Path, name);
}

using OtoMask.Configuration;
using OtoMask.Data;

namespace OtoMask.Runs;

/// <summary>
/// What a pre-training run leaves behind, in one folder: <c>config.yaml</c>, <c>log.jsonl</c>, <c>checkpoints/</c>, <c>metrics.json</c>,
/// <c>report.html</c>, <c>bad-files.csv</c> and TensorBoard's <c>events.out.tfevents.*</c>.
/// </summary>
/// <param name="path">The folder.</param>
public sealed class RunFolder(string path)
{
    private const string CheckpointFolder = "checkpoints", CheckpointPrefix = "step-", CheckpointSuffix = ".safetensors", AsideSuffix = ".aside";
    private const int NoSpaceLeft = 28; // ENOSPC: a full disk is no mistake in --out
    private bool isMadeHere;
    private IDisposable? hold;

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>What the run is called: the folder's own name.</summary>
    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(Path)));

    /// <summary>The resolved configuration.</summary>
    public string Config => Inside("config.yaml");

    /// <summary>One JSON object a step or evaluation.</summary>
    public string Log => Inside("log.jsonl");

    /// <summary>The last value of every metric.</summary>
    public string Metrics => Inside("metrics.json");

    /// <summary>The page to look at.</summary>
    public string Report => Inside("report.html");

    /// <summary>Clips that could not be used, with the reason.</summary>
    public string BadFiles => Inside("bad-files.csv");

    /// <summary>The checkpoints, oldest first.</summary>
    public IReadOnlyList<string> Checkpoints => Directory.Exists(Inside(CheckpointFolder))
        ? [.. Directory.GetFiles(Inside(CheckpointFolder), CheckpointPrefix + "*" + CheckpointSuffix).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>The newest checkpoint.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public string LatestCheckpoint => Checkpoints is [.., string latest] ? latest : throw new UserErrorException(WasAbandoned
        ? $"{Path} holds no checkpoint: its run was stopped before the first step; begin it again with `PretrainingRun.Begin` {Path}"
        : $"{Path} holds no checkpoint; give a folder that `PretrainingRun` or `FineTuner` wrote");

    /// <summary>Reads the newest checkpoint.</summary>
    /// <param name="read">Reads a file, or throws a <see cref="UserErrorException"/> where it is damaged.</param>
    /// <exception cref="UserErrorException">There is none, or it is damaged; the newest one that is not is then named.</exception>
    internal T ReadNewest<T>(Func<string, T> read)
    {
        try
        {
            return read(LatestCheckpoint);
        }
        catch (UserErrorException damage) when (Checkpoints.SkipLast(1).LastOrDefault(IsGood) is { } older)
        {
            throw new UserErrorException($"{damage.Message}. The newest good checkpoint is {older}: give that instead of {Path}", damage);
        }

        bool IsGood(string path)
        {
            try
            {
                read(path);
                return true;
            }
            catch (UserErrorException)
            {
                return false;
            }
        }
    }

    /// <summary>The run that a folder holds, or that one of its checkpoints belongs to.</summary>
    /// <param name="path">A run folder, or a file in its <c>checkpoints/</c>.</param>
    /// <exception cref="UserErrorException">The path is a file elsewhere.</exception>
    public static RunFolder Of(string path)
    {
        if (!File.Exists(path))
            return new RunFolder(path);
        string? checkpoints = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path));
        return System.IO.Path.GetFileName(checkpoints) == CheckpointFolder
            ? new RunFolder(System.IO.Path.GetDirectoryName(checkpoints)!)
            : throw new UserErrorException($"{path} does not lie in the {CheckpointFolder}/ of a run; give a run folder or a checkpoint in it");
    }

    /// <summary>Where the best epoch of a fine-tuning goes.</summary>
    public string BestCheckpoint => System.IO.Path.Combine(Inside(CheckpointFolder), "best.safetensors");

    /// <summary>Where the checkpoint of a step goes.</summary>
    public string CheckpointOf(long step) => System.IO.Path.Combine(Inside(CheckpointFolder), $"{CheckpointPrefix}{step:D9}{CheckpointSuffix}");

    /// <summary>Every file of the run that is there, checkpoints included, whether or not it is finished.</summary>
    public IReadOnlyList<string> Files => [.. FilesBesideCheckpoints.Where(File.Exists), .. InCheckpoints().Where(IsCheckpoint)];

    /// <summary>Checks, before minutes of preparation, that <see cref="Create"/> is going to work. Leaves nothing behind.</summary>
    /// <exception cref="UserErrorException">The folder holds a run or anything else, or cannot be written.</exception>
    internal void RequireFree()
    {
        if (string.IsNullOrWhiteSpace(Path))
            throw new UserErrorException("the name of the run folder is empty; give one");
        if (!HoldsNothing && !WasAbandoned)
            throw Taken();
        OrUserError("make the run folder", () =>
        {
            string existing = System.IO.Path.GetFullPath(Path);
            while (!Directory.Exists(existing))
            {
                if (File.Exists(existing))
                    throw new IOException($"{existing} is a file");
                existing = System.IO.Path.GetDirectoryName(existing)!;
            }
            AtomicFile.TryBeside(System.IO.Path.Combine(existing, Name));
        });
    }

    /// <summary>Makes the folder for a new run and occupies it. What a run that was killed before its first checkpoint left there goes.</summary>
    /// <exception cref="UserErrorException">It holds a run or anything else, another process is at work in it, or it cannot be written.</exception>
    internal void Create()
    {
        RequireFree();
        isMadeHere = !Directory.Exists(Path);
        bool beginsAnew = !HoldsNothing;
        OrUserError("make the run folder", () => Directory.CreateDirectory(Inside(CheckpointFolder)));
        Occupy();
        if (!(beginsAnew ? WasAbandoned : HoldsNothing)) // somebody may have been faster
            throw Taken();
        foreach (string file in FilesBesideCheckpoints)
            File.Delete(file);
    }

    /// <summary>Removes the run that is there, and nothing else.</summary>
    /// <exception cref="UserErrorException">What is there was not left by a run, or another process is at work in it.</exception>
    internal void Clear()
    {
        if (HoldsNothing)
            return;
        if (!File.Exists(LockFile))
            throw Taken();
        Occupy();
        foreach (string file in Files)
            File.Delete(file);
        Release();
    }

    /// <summary>Keeps other processes from training into the folder until <see cref="Release"/> or the end of this one, and clears away
    /// the temporary files of killed ones. Does nothing where it is occupied already.</summary>
    /// <exception cref="UserErrorException">Another process is at work in it, or it cannot be written.</exception>
    internal void Occupy()
    {
        if (hold is not null)
            return;
        OrUserError("write in it", () => hold = FolderLock.TryTake(LockFile));
        if (hold is null)
            throw new UserErrorException($"{Path} is being trained by another process; wait for it, or stop it first");
        AtomicFile.RemoveLeftovers(Path);
        AtomicFile.RemoveLeftovers(Inside(CheckpointFolder));
        if (Files.FirstOrDefault(file => new FileInfo(file).LinkTarget is not null) is { } link)
            throw new UserErrorException($"{link} is a link, and a run writes in its own folder alone; put the file itself in its place");
    }

    /// <summary>Whether a process is at work in it.</summary>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public bool IsOccupied => FolderLock.IsTaken(LockFile);

    /// <summary>Checks, before the first step, that a run which goes on can write its next checkpoint and its log. Leaves nothing behind.</summary>
    /// <exception cref="UserErrorException">One of them cannot be written.</exception>
    /// <exception cref="IOException">The disk has no room for another checkpoint.</exception>
    internal void RequireWritable()
    {
        foreach (string file in FilesBesideCheckpoints.Append(BestCheckpoint))
            OutputPlace.Require(file);
        long needed = new FileInfo(LatestCheckpoint).Length, free = new DriveInfo(System.IO.Path.GetFullPath(Inside(CheckpointFolder))).AvailableFreeSpace;
        if (free < needed)
            throw new IOException(FormattableString.Invariant($"{Path}: a checkpoint takes {needed / 1e6:0.0} MB and {free / 1e6:0.0} MB are free; free some space first"));
    }

    /// <summary>Lets other processes train into the folder again.</summary>
    internal void Release()
    {
        hold?.Dispose();
        hold = null;
    }

    /// <summary>Removes what <see cref="Create"/> and the run left, where it failed before its first checkpoint.</summary>
    internal void Discard()
    {
        foreach (string file in FilesBesideCheckpoints)
            File.Delete(file);
        File.Delete(LockFile);
        Release();
        Directory.Delete(Inside(CheckpointFolder));
        if (isMadeHere && !Directory.EnumerateFileSystemEntries(Path).Any())
            Directory.Delete(Path);
    }

    /// <summary>Removes all but the newest <paramref name="keepLast"/> checkpoints and those of the steps that are to stay for ever.</summary>
    /// <param name="keepLast">How many of the newest stay.</param>
    /// <param name="staysForEver">Whether the checkpoint of a step does.</param>
    internal void Prune(int keepLast, Func<long, bool> staysForEver)
    {
        foreach (string old in Checkpoints.SkipLast(keepLast))
        {
            if (StepOf(old) is not { } step || !staysForEver(step))
                File.Delete(old);
        }
    }

    /// <summary>Occupies the folder, and of a run that goes on makes it as it was at that step: newer checkpoints are put aside, the log's later rows
    /// forgotten, and what is known of bad files is taken over.</summary>
    /// <param name="step">Steps that the run has done.</param>
    /// <param name="isResumed">Whether it goes on from a checkpoint.</param>
    /// <param name="badFiles">Receives the bad files found so far.</param>
    /// <param name="changes">What is otherwise from now on, for the log.</param>
    /// <param name="warnings">What the run has warned of so far, for the log.</param>
    /// <returns>The log, to be written on.</returns>
    internal LogWriter OpenLog(long step, bool isResumed, BadFiles badFiles, IEnumerable<ConfigChange> changes, IEnumerable<string> warnings)
    {
        Occupy();
        if (isResumed)
        {
            PutAsideAfter(step);
            badFiles.AddCsv(BadFiles);
        }
        var log = new LogWriter(this, step);
        foreach (ConfigChange change in changes)
            log.Add(step, change);
        foreach (string warning in warnings)
            log.Add(new WarningRecord(step, warning));
        return log;
    }

    /// <summary>Renames checkpoints after <paramref name="step"/>, which a run that goes on from there is about to write again, to <c>*.aside</c>.</summary>
    private void PutAsideAfter(long step)
    {
        foreach (string newer in Checkpoints.Where(checkpoint => StepOf(checkpoint) > step))
            File.Move(newer, newer + AsideSuffix, overwrite: true);
    }

    /// <summary>What the process that trains in it has locked.</summary>
    internal string LockFile => System.IO.Path.Combine(Inside(CheckpointFolder), ".lock");

    private IEnumerable<string> FilesBesideCheckpoints =>
        [Config, Log, Metrics, Report, BadFiles, .. Directory.Exists(Path) ? Directory.GetFiles(Path, "events.out.tfevents.*") : []];

    /// <summary>Whether nobody can lose anything here: no folder, an empty one, or the first two things that a run makes.</summary>
    private bool HoldsNothing => !File.Exists(Path) && (!Directory.Exists(Path)
        || (Entries(Path).All(entry => entry == Inside(CheckpointFolder) && Directory.Exists(entry)) && InCheckpoints().All(entry => entry == LockFile)));

    /// <summary>Whether a process was killed here between making the folder and the first checkpoint, which comes before the first step. The lock
    /// tells that a run was here: names like log.jsonl are anybody's.</summary>
    private bool WasAbandoned => File.Exists(LockFile) && InCheckpoints().All(entry => entry == LockFile)
        && !File.Exists(Metrics) && !File.Exists(Report) && !(File.Exists(Log) && LogHoldsWork());

    /// <summary>Whether a log tells of more than the evaluation and the warnings that come before the first checkpoint.</summary>
    private bool LogHoldsWork()
    {
        try
        {
            bool isBegun = false;
            foreach (LogRow row in RunLog.Rows(Log)) // of a log with work in it the first few tell
            {
                if (row is StepRecord or EvaluationRecord { Step: > 0 })
                    return true;
                isBegun |= row is EvaluationRecord or WarningRecord;
            }
            return !isBegun && new FileInfo(Log).Length > 0;
        }
        catch (UserErrorException)
        {
            return true; // no log of ours, so somebody's
        }
    }

    private UserErrorException Taken() => new(File.Exists(Path) ? $"{Path} is a file; choose a folder for the run"
        : Checkpoints.Count > 0 ? $"{Path} holds a run already; choose another `folder`, or go on with `resume` {Path}"
        : File.Exists(Log) && File.Exists(Config) ? $"{Path} holds a run whose checkpoints are gone; put them back, or choose another `folder`"
        : $"{Path} is not empty, and a run begins in a folder of its own; choose another `folder`");

    private IEnumerable<string> InCheckpoints() => Directory.Exists(Inside(CheckpointFolder)) ? Entries(Inside(CheckpointFolder)) : [];

    /// <summary>What is in a folder, without what killed processes left half written.</summary>
    private static IEnumerable<string> Entries(string folder) => Directory.EnumerateFileSystemEntries(folder).Where(entry => !AtomicFile.IsLeftover(entry));

    private bool IsCheckpoint(string file) => file == BestCheckpoint || file == LockFile
        || (System.IO.Path.GetFileName(file).StartsWith(CheckpointPrefix, StringComparison.Ordinal) && (file.EndsWith(CheckpointSuffix, StringComparison.Ordinal) || file.EndsWith(AsideSuffix, StringComparison.Ordinal)));

    private static long? StepOf(string checkpoint) =>
        long.TryParse(System.IO.Path.GetFileName(checkpoint)[CheckpointPrefix.Length..^CheckpointSuffix.Length], out long step) ? step : null;

    private void OrUserError(string what, Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException && error.HResult != NoSpaceLeft)
        {
            throw new UserErrorException($"{Path}: cannot {what} ({error.Message.TrimEnd('.')}); give yourself access or choose a folder that you may write", error);
        }
    }

    private string Inside(string name) => System.IO.Path.Combine(Path, name);
}

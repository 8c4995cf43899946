namespace OtoMask.Pretraining;

/// <summary>
/// What a pre-training run leaves behind, in one folder: <c>config.yaml</c>, <c>log.jsonl</c>, <c>checkpoints/</c>, <c>metrics.json</c>,
/// <c>report.html</c>, <c>bad-files.csv</c> and TensorBoard's <c>events.out.tfevents.*</c>.
/// </summary>
/// <param name="path">The folder.</param>
public sealed class RunFolder(string path)
{
    private const string CheckpointPrefix = "step-", CheckpointSuffix = ".safetensors";
    private const int NoSpaceLeft = 28; // ENOSPC: a full disk is no mistake in --out
    private bool isMadeHere;

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

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
    public IReadOnlyList<string> Checkpoints
    {
        get
        {
            string folder = Inside("checkpoints");
            return Directory.Exists(folder)
                ? [.. Directory.GetFiles(folder, CheckpointPrefix + "*" + CheckpointSuffix).Order(StringComparer.Ordinal)]
                : [];
        }
    }

    /// <summary>The newest checkpoint.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public string LatestCheckpoint => Checkpoints is [.., string latest]
        ? latest
        : throw new UserErrorException($"{Path} holds no checkpoint; give a folder that `otomask pretrain --out` wrote");

    /// <summary>Where the checkpoint of a step goes.</summary>
    public string CheckpointOf(long step) => System.IO.Path.Combine(Inside("checkpoints"), $"{CheckpointPrefix}{step:D9}{CheckpointSuffix}");

    /// <summary>Checks, before minutes of preparation, that <see cref="Create"/> is going to work. Leaves nothing behind.</summary>
    /// <exception cref="UserErrorException">It holds a run already, or cannot be written.</exception>
    public void RequireFree()
    {
        if (File.Exists(Config) || Checkpoints.Count > 0)
            throw new UserErrorException($"{Path} holds a run already; choose another --out, or go on with --resume {Path}");
        OrUserError(() =>
        {
            string existing = System.IO.Path.GetFullPath(Path);
            while (!Directory.Exists(existing))
            {
                if (File.Exists(existing))
                    throw new IOException($"{existing} is a file");
                existing = System.IO.Path.GetDirectoryName(existing)!;
            }
            string probe = System.IO.Path.Combine(existing, $".otomask-{Guid.NewGuid():N}.tmp");
            using (File.Create(probe))
                File.Delete(probe);
        });
    }

    /// <summary>Makes the folder for a new run.</summary>
    /// <exception cref="UserErrorException">It holds a run already, or cannot be written.</exception>
    public void Create()
    {
        RequireFree();
        isMadeHere = !Directory.Exists(Path);
        OrUserError(() => Directory.CreateDirectory(Inside("checkpoints")));
    }

    /// <summary>Removes what <see cref="Create"/> and the run left, where it failed before its first checkpoint.</summary>
    public void Discard()
    {
        string[] written = [Config, Log, Metrics, Report, BadFiles, .. Directory.GetFiles(Path, "events.out.tfevents.*")];
        foreach (string file in written)
            File.Delete(file);
        Directory.Delete(Inside("checkpoints"));
        if (isMadeHere && !Directory.EnumerateFileSystemEntries(Path).Any())
            Directory.Delete(Path);
    }

    /// <summary>Removes all but the newest <paramref name="keep"/> checkpoints.</summary>
    public void Prune(int keep)
    {
        foreach (string old in Checkpoints.SkipLast(keep))
            File.Delete(old);
    }

    private void OrUserError(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException && error.HResult != NoSpaceLeft)
        {
            throw new UserErrorException($"{Path}: cannot make the run folder ({error.Message.TrimEnd('.')}); choose an --out that you may write", error);
        }
    }

    private string Inside(string name) => System.IO.Path.Combine(Path, name);
}

using OtoMask.Torch;

namespace OtoMask.Runs;

/// <summary>Disk or data failed in the middle of a run. Its last good checkpoint is on disk, and it can go on from there.</summary>
/// <param name="folder">The run.</param>
/// <param name="checkpoint">The checkpoint.</param>
/// <param name="cause">What failed.</param>
public sealed class RunInterruptedException(RunFolder folder, string checkpoint, IOException cause) : IOException($"{cause.Message.TrimEnd('.')}; the last good checkpoint is {checkpoint}", cause)
{
    /// <summary>The run.</summary>
    public RunFolder Folder { get; } = folder;
}

/// <summary>What becomes of a run folder while something trains in it, whatever that is and however it ends.</summary>
/// <param name="folder">The run.</param>
public sealed class RunInWork(RunFolder folder)
{
    /// <summary>Makes the folder of a new run and trains in it; where that fails before the first checkpoint, it goes again.</summary>
    public T Begin<T>(Func<T> train)
    {
        folder.Create();
        try
        {
            return Train(train);
        }
        catch when (folder.Checkpoints.Count == 0)
        {
            folder.Discard();
            throw;
        }
    }

    /// <summary>Keeps others out of the folder of a run that is to go on.</summary>
    /// <exception cref="UserErrorException">It holds no checkpoint, another process trains in it, or it cannot be written.</exception>
    /// <exception cref="IOException">The disk has no room for another checkpoint.</exception>
    public void Open()
    {
        _ = folder.LatestCheckpoint; // says so where there is none
        folder.Occupy();
        folder.RequireWritable();
    }

    /// <summary>Trains in the folder of a run that exists.</summary>
    /// <exception cref="RunInterruptedException">Disk or data failed, and there is a checkpoint to go on from.</exception>
    public T Train<T>(Func<T> train)
    {
        try
        {
            return train();
        }
        catch (IOException error) when (error is not RunInterruptedException && folder.Checkpoints is [.., var last])
        {
            throw new RunInterruptedException(folder, last, error);
        }
    }

    /// <summary>What a report says of the machine.</summary>
    internal static IReadOnlyList<(string Name, string Value)> Environment(string device) =>
        [("libtorch", TorchRuntime.Describe().Split('\n')[0]), ("threads", $"{TorchRuntime.Threads}"), ("device", device)];
}

namespace OtoMask;

/// <summary>Keeps other processes out of a folder by a lock on a file in it, which the system lets go of with the process, however that ends.</summary>
internal static class FolderLock
{
    private const int TryAgain = 11; // EAGAIN, which an IOException carries on Linux: another process has the lock
    private const int Tries = 10, MillisecondsBetween = 20; // whoever only asks whether it is taken has it for a moment

    /// <summary>Takes the lock until it is disposed; null where another process has it.</summary>
    /// <param name="file">The file to lock, made if missing; its folder exists.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static IDisposable? TryTake(string file) => Try(() => new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0));

    /// <summary>Waits for the lock, and takes it until it is disposed.</summary>
    /// <param name="file">As for <see cref="TryTake"/>.</param>
    /// <param name="wait">Is told once that another process has it.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IDisposable Take(string file, Action wait, CancellationToken cancellation)
    {
        for (bool isTold = false; ; isTold = true)
        {
            if (TryTake(file) is { } taken)
                return taken;
            if (!isTold)
                wait();
            cancellation.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Takes a part in the lock until it is disposed, as any number of processes may; null where one has it alone.</summary>
    /// <param name="file">As for <see cref="TryTake"/>.</param>
    public static IDisposable? TryShare(string file) => Try(() => new FileStream(file, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read, bufferSize: 0));

    /// <summary>Whether a process has the lock.</summary>
    /// <param name="file">The file to lock; it need not be there.</param>
    public static bool IsTaken(string file) => IsRefused(file, FileShare.Read);

    /// <summary>Whether a process has the lock, or a part in it.</summary>
    /// <param name="file">The file to lock; it need not be there.</param>
    public static bool IsHeld(string file) => IsRefused(file, FileShare.None);

    private static bool IsRefused(string file, FileShare share)
    {
        try
        {
            using FileStream asked = new(file, FileMode.Open, FileAccess.Read, share, bufferSize: 0);
            return false;
        }
        catch (IOException error)
        {
            return error.HResult == TryAgain;
        }
    }

    private static FileStream? Try(Func<FileStream> open)
    {
        for (int left = Tries; ; left--)
        {
            try
            {
                return open();
            }
            catch (IOException error) when (error.HResult == TryAgain)
            {
                if (left == 1)
                    return null;
                Thread.Sleep(MillisecondsBetween);
            }
        }
    }
}

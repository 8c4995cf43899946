namespace OtoMask;

/// <summary>Keeps other processes out of a folder by a lock on a file in it, which the system lets go of with the process, however that ends.</summary>
internal static class FolderLock
{
    private const int TryAgain = 11; // EAGAIN, which an IOException carries on Linux: another process has the lock

    /// <summary>Takes the lock until it is disposed; null where another process has it.</summary>
    /// <param name="file">The file to lock, made if missing; its folder exists.</param>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static IDisposable? TryTake(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException error) when (error.HResult == TryAgain)
        {
            return null;
        }
    }
}

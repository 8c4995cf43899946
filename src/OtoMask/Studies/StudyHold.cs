namespace OtoMask.Studies;

/// <summary>A process's place at work on a study: alone, or as one of several workers that keep out of each other's way by locks on files, which the system lets go of with
/// their process, however that ends.</summary>
/// <param name="hold">Keeps those out that cannot be at work beside this one.</param>
/// <param name="locks">The folder of the workers' locks; null = alone.</param>
internal sealed class StudyHold(IDisposable hold, string? locks = null) : IDisposable
{
    /// <summary>Between two looks at what other workers have done.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Has this worker's turn at what one at a time may do: what all need, and files that all write. Waits for it.</summary>
    /// <param name="tell">Is told where another has the turn.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>The turn; null where there are no others.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IDisposable? Turn(Action<string> tell, CancellationToken cancellation = default) =>
        locks is null ? null : FolderLock.Take(LockOf("turn"), () => tell("waiting for another worker, which does what all need"), cancellation);

    /// <summary>Claims a cell until <paramref name="claim"/> is disposed.</summary>
    /// <returns>False where another worker is at work on it.</returns>
    public bool TryClaim(StudyCell cell, out IDisposable? claim)
    {
        claim = locks is null ? null : FolderLock.TryTake(LockOf(Path.Combine("cells", cell.Name)));
        return locks is null || claim is not null;
    }

    /// <inheritdoc/>
    public void Dispose() => hold.Dispose();

    private string LockOf(string name)
    {
        string file = Path.Combine(locks!, name + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        return file;
    }
}

namespace OtoMask;

/// <summary>Passes every report on at once, on the thread it comes from; <see cref="Progress{T}"/> posts to the thread pool, which may reorder.</summary>
/// <param name="tell">Is told.</param>
internal sealed class Relay<T>(Action<T> tell) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => tell(value);
}

using OtoMask.Audio;

namespace OtoMask.Data;

/// <summary>Log-mels of recordings and <c>.npy</c> files. Thread-safe.</summary>
/// <param name="settings">The front end.</param>
/// <param name="cancellation">Ends the reading, also of one long recording.</param>
/// <param name="extractor">That front end where the caller has it; else one is made.</param>
internal sealed class LogMelReader(LogMelSettings settings, CancellationToken cancellation = default, LogMelExtractor? extractor = null)
{
    private readonly LogMelExtractor extractor = extractor ?? new LogMelExtractor(settings);

    /// <summary>How much of a recording is kept in memory when it is read whole, in seconds.</summary>
    internal double LongestSeconds { get; init; } = AudioFile.LongestSeconds;

    /// <summary>A clip's file, for one read after the other; it is opened by the first.</summary>
    public LogMelFile Open(string path) => new(path, settings, extractor, LongestSeconds, cancellation);

    /// <inheritdoc cref="LogMelFile.ReadWhole"/>
    public (OwnedLogMel? LogMel, int Frames) ReadWhole(string path)
    {
        using LogMelFile file = Open(path);
        return file.ReadWhole();
    }

    /// <inheritdoc cref="LogMelFile.Stream"/>
    public LogMelExtent Stream(string path, Action<float[]> take)
    {
        using LogMelFile file = Open(path);
        return file.Stream(take);
    }

    /// <inheritdoc cref="LogMelFile.ReadPieces"/>
    public IEnumerable<LogMel> ReadPieces(string path, int multiple)
    {
        using LogMelFile file = Open(path);
        foreach (LogMel piece in file.ReadPieces(multiple))
            yield return piece;
    }
}

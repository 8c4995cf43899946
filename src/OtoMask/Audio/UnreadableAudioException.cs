namespace OtoMask.Audio;

/// <summary>One audio file cannot be used. Whoever reads many files skips it, counts it and lists the reason.</summary>
/// <param name="path">The file.</param>
/// <param name="reason">What is wrong with it, as the end of the sentence "PATH: ...".</param>
/// <param name="inner">The cause, if another exception told of it.</param>
public sealed class UnreadableAudioException(string path, string reason, Exception? inner = null)
    : Exception(OneLine.Of($"{path}: {reason}"), inner)
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;

    /// <summary>What is wrong with it.</summary>
    public string Reason { get; } = reason;
}

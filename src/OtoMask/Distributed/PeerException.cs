namespace OtoMask.Distributed;

/// <summary>Another process of those that train together is gone, hangs, or did not come; the message is one line that names it.</summary>
public sealed class PeerException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether it went for what its user can mend (a <see cref="UserErrorException"/>), so that the same command line would end in the same way.</summary>
    public bool IsUserError { get; internal init; }
}

namespace OtoMask;

/// <summary>
/// A mistake that the user can mend: a missing folder, an impossible value, an unreadable file. The message is one line that
/// says what is wrong, where, and what to do, and quotes the keys, parameters and types to do it with (<c>`base-lr`</c>, <c>`Heads`</c>).
/// </summary>
public class UserErrorException(string message, Exception? inner = null) : Exception(OneLine.Of(message), inner);

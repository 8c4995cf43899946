namespace OtoMask;

/// <summary>
/// A mistake that the user can mend: a missing folder, a bad option, an unreadable file. The message is one line that
/// says what is wrong, where, and what to do. Programs end with exit code 2.
/// </summary>
public class UserErrorException(string message, Exception? inner = null) : Exception(OneLine.Of(message), inner);

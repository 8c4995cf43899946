using System.Reflection;
using OtoMask.Distributed;
using OtoMask.Torch;

namespace OtoMask.App;

/// <summary>What went wrong, as one line on stderr and an exit code.</summary>
/// <remarks>
/// 2: the user can mend it (a wrong option, a missing or unreadable file, no permission). 130, 143: stopped by Ctrl-C or
/// SIGTERM. 1: anything else (disk full, libtorch, a run stopped by non-finite losses). OTOMASK_TRACE=1 adds the stack.
/// </remarks>
internal static class Failure
{
    /// <summary>Who speaks: the program, and which of several processes it is.</summary>
    public static string Speaker { get; set; } = CommandLine.Name;

    public const int Other = 1, UserError = 2;
    private const int NoSpaceLeft = 28; // ENOSPC, which an IOException carries on Linux

    public static int Report(Exception thrown, Interruption interruption)
    {
        Exception cause = Innermost(thrown);
        if (cause is OperationCanceledException or PeerException && interruption.ExitCode is { } signalled)
        {
            Terminal.TellError($"{Speaker}: stopped");
            return signalled;
        }
        Terminal.TellError($"{Speaker}: {Message(cause)}");
        if (Environment.GetEnvironmentVariable("OTOMASK_TRACE") == "1")
        {
            foreach (string line in thrown.ToString().Split('\n'))
                Terminal.TellError(line);
        }
        return ExitCode(cause);
    }

    public static int ExitCode(Exception cause) => cause is UserErrorException or PeerException { IsUserError: true } or TorchLoadException or TorchSettingException or UnauthorizedAccessException
        or FileNotFoundException or DirectoryNotFoundException ? UserError : Other;

    private static string Message(Exception cause)
    {
        string text = string.Join(' ', OneLine.Of(cause.Message).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return cause switch
        {
            UnauthorizedAccessException => $"{text.TrimEnd('.')}; give yourself access or choose another place",
            OutOfMemoryException => $"not enough memory; {Wording.ToTakeLessMemory}",
            TorchException when IsFull(text) => $"{Wording.Of(text.TrimEnd('.'))}; {Wording.ToTakeLessMemory}",
            IOException when IsDiskFull(cause) => $"{text.TrimEnd('.')}; free some space first",
            IOException => text,
            _ when IsOurs(cause) => Wording.Of(text),
            _ => $"{text} ({cause.GetType().Name}; OTOMASK_TRACE=1 shows where)",
        };
    }

    // Our own exceptions are written for people; others need their name to make sense.
    private static bool IsOurs(Exception cause) => cause.GetType().Namespace?.StartsWith(nameof(OtoMask), StringComparison.Ordinal) ?? false;

    // Of the processor's memory and of a device's, as libtorch says it.
    private static bool IsFull(string text) => text.Contains("out of memory", StringComparison.OrdinalIgnoreCase) || text.Contains("can't allocate memory", StringComparison.Ordinal);

    private static bool IsDiskFull(Exception? error) => error is not null && (error.HResult == NoSpaceLeft || IsDiskFull(error.InnerException));

    // The runtime wraps what fails in a static constructor, by reflection, or in a parallel loop.
    private static Exception Innermost(Exception thrown) => thrown switch
    {
        TypeInitializationException or TargetInvocationException or AggregateException { InnerExceptions.Count: 1 }
            when thrown.InnerException is { } inner => Innermost(inner),
        AggregateException { InnerExceptions: [var first, ..] } => Innermost(first),
        _ => thrown,
    };
}

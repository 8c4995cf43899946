namespace OtoMask.Audio;

/// <summary>A library that decodes or resamples sound (libsndfile, libmpg123, libsoxr) is missing or broken. A later call tries again.</summary>
public sealed class SoundLibraryException : UserErrorException
{
    private SoundLibraryException(string message, Exception inner) : base(message, inner)
    {
    }

    /// <summary>Says in one line why the system's loader could not do it.</summary>
    /// <param name="library">Its name, for example <c>libsoxr</c>.</param>
    /// <param name="package">Debian's package with it.</param>
    /// <param name="problem">What the runtime says: no library, or no such function in it.</param>
    internal static SoundLibraryException Of(string library, string package, TypeLoadException problem)
    {
        // The runtime's message names every place that was looked at, a line each: what it says but that nothing was there is the reason.
        string[] lines = problem.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string? reason = lines.Length == 1 ? lines[0] : lines.Skip(1).FirstOrDefault(line => !(line.Contains(library, StringComparison.Ordinal) && line.EndsWith("No such file or directory", StringComparison.Ordinal)));
        return new(reason is null
            ? $"{library} is missing; install it: apt-get install {package}"
            : $"{library} cannot be loaded ({reason}); install it anew: apt-get install --reinstall {package}", problem);
    }
}

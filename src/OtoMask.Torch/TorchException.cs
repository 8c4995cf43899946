namespace OtoMask.Torch;

/// <summary>libtorch refused a call, or could not be loaded; the message is libtorch's own, without its backtrace.</summary>
public class TorchException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>libtorch or the bridge to it is missing, broken, or of another version than this library; the message is one line that says what to do.</summary>
/// <remarks>Thrown by whatever needs libtorch first. A later call tries again.</remarks>
public sealed class TorchLoadException : TorchException
{
    internal TorchLoadException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>Says in one line why the system's loader could not do it.</summary>
    internal static TorchLoadException Of(Exception problem)
    {
        // The loader's message names every place it looked at, a line each: that nothing was there says little, what it says else is the reason.
        string[] lines = LinesOf(problem);
        string? reason = lines.Length == 1 ? lines[0] : lines.Skip(1).FirstOrDefault(line => !(line.Contains("otomask", StringComparison.Ordinal) && line.EndsWith("No such file or directory", StringComparison.Ordinal)));
        return reason is null
            ? new($"libotomask.so, the bridge to libtorch, is not beside the program in {AppContext.BaseDirectory}; rebuild with `dotnet build`", problem)
            : new($"libtorch or the bridge to it cannot be loaded ({reason}); install Debian's libtorch-dev (or set LIBTORCH) and rebuild with `dotnet build`", problem);
    }

    /// <summary>Says in one line why a library that brings in a device cannot be loaded.</summary>
    internal static TorchLoadException OfBackend(string path, Exception problem) => new(
        File.Exists(path) ? $"{path} cannot be loaded ({LinesOf(problem)[^1]}); name a backend built for this libtorch" : $"{path} is not there; name the library of a backend", problem);

    private static string[] LinesOf(Exception problem) => problem.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

/// <summary>A variable of the environment asks libtorch or the bridge for what does not exist, or not on this machine.</summary>
public sealed class TorchSettingException(string message) : Exception(message);

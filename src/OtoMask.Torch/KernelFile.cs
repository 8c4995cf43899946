using System.Globalization;

namespace OtoMask.Torch;

/// <summary>The small files in which Linux tells of a process and of the machine, in <c>/proc</c> and <c>/sys</c>.</summary>
/// <remarks>Uses little but the core of the runtime: some are read before it is known how many files may be open, and another assembly is another one.</remarks>
internal static class KernelFile
{
    /// <summary>The lines of a file; none where it is not there, or not for this user to see.</summary>
    public static string[] Lines(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return []; // a limit that may not be read cannot be heeded
        }
    }

    /// <summary>The whole number that a file is; null where it is none, as the word <c>max</c>.</summary>
    public static long? Number(string file) => Lines(file) is [var only, ..] ? Parse(only) : null;

    /// <summary>The whole number behind a name at the beginning of a line, whatever its unit; null where there is none, or the word <c>unlimited</c>.</summary>
    public static long? Number(string file, string name)
    {
        foreach (string line in Lines(file))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
                return Parse(line[name.Length..]);
        }
        return null;
    }

    private static long? Parse(string text) => long.TryParse(text.Trim().Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;
}

using OtoMask.Data;

namespace OtoMask.App.Commands;

/// <summary>Tells which recordings were left out.</summary>
internal static class BadFileList
{
    private const int Shown = 20;

    /// <summary>Prints the first of them, and where all are listed.</summary>
    /// <param name="bad">The recordings.</param>
    /// <param name="all">How many there were, good and bad.</param>
    /// <param name="where">Where they are listed.</param>
    public static void Tell(IReadOnlyList<BadFile> bad, int all, string where)
    {
        Terminal.Tell($"{bad.Count} of {all} clips cannot be used and are left out ({where} lists them):");
        foreach (BadFile file in bad.Take(Shown))
            Terminal.Tell($"  {file}");
        if (bad.Count > Shown)
            Terminal.Tell($"  and {bad.Count - Shown} more");
    }
}

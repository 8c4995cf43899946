namespace OtoMask.App;

/// <summary>How this program is started again.</summary>
internal static class OwnProgram
{
    /// <summary>The words before its verb: <c>dotnet otomask.dll</c>, or the program itself.</summary>
    public static IReadOnlyList<string> Words { get; } = Path.GetFileNameWithoutExtension(Environment.ProcessPath!) == "dotnet"
        ? [Environment.ProcessPath!, Environment.GetCommandLineArgs()[0]]
        : [Environment.ProcessPath!];

    /// <summary>The words behind them, as this process was started.</summary>
    public static IReadOnlyList<string> Arguments { get; } = Environment.GetCommandLineArgs()[1..];
}

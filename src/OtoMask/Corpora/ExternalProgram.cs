using System.Diagnostics;

namespace OtoMask.Corpora;

/// <summary>What a program printed and how it ended.</summary>
internal sealed record ProgramResult(int ExitCode, string Output, string Errors)
{
    /// <summary>The last line of the error output that says something, or the exit code where it is empty.</summary>
    public string LastError =>
        Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .LastOrDefault(line => !line.StartsWith("W:", StringComparison.Ordinal)) ?? $"exit code {ExitCode}";
}

/// <summary>Runs the few system programs that corpora need (apt, dpkg, fluidsynth).</summary>
internal static class ExternalProgram
{
    // How .NET tells that a signal ended a program: 128 + SIGINT, 128 + SIGTERM.
    private const int Interrupted = 130, Terminated = 143;
    private static readonly TimeSpan SignalDelay = TimeSpan.FromSeconds(1);

    /// <summary>Runs <paramref name="program"/> to its end; null when this machine has no such program.</summary>
    /// <param name="program">Name (looked up on PATH) or path.</param>
    /// <param name="arguments">Arguments, passed as they are: no shell reads them.</param>
    /// <param name="folder">Working folder, or null for the current one.</param>
    /// <param name="environment">Variables set on top of ours.</param>
    /// <param name="cancellation">Ends the program.</param>
    /// <exception cref="OperationCanceledException">It was ended, or the same Ctrl-C ended it and is about to end us.</exception>
    public static ProgramResult? TryRun(
        string program,
        IEnumerable<string> arguments,
        string? folder = null,
        IReadOnlyDictionary<string, string>? environment = null,
        CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        (start.Environment["LC_ALL"], start.Environment["LANGUAGE"]) = ("C.UTF-8", "");   // messages are matched in English
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        using Process? process = ChildProgram.TryStart(start);
        if (process is null)
            return null;
        using CancellationTokenRegistration end = cancellation.Register(() => process.Kill());   // its own children end with their pipes
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        // Ctrl-C in a terminal goes to the child as well, which may be quicker than our own handler.
        if (process.ExitCode is Interrupted or Terminated && cancellation.CanBeCanceled)
            cancellation.WaitHandle.WaitOne(SignalDelay);
        cancellation.ThrowIfCancellationRequested();
        return new ProgramResult(process.ExitCode, output, errors.Result);
    }
}

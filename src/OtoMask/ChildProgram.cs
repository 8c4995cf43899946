using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace OtoMask;

/// <summary>Starts other programs so that none outlives this one, whatever ends it, and none takes more than it is given.</summary>
/// <remarks>By <c>setpriv</c> and <c>prlimit</c> of util-linux, which every Linux has: .NET itself can set neither between fork and exec.</remarks>
internal static class ChildProgram
{
    private static readonly string Warden = Find("setpriv"), Limiter = Find("prlimit");
    private static readonly BlockingCollection<Action> Starts = [];

    // The kernel ends a child with the thread that started it, not with the process: so one thread starts all, and never ends.
    static ChildProgram() => new Thread(() =>
    {
        foreach (Action start in Starts.GetConsumingEnumerable())
            start();
    })
    { IsBackground = true, Name = "child programs" }.Start();

    /// <summary>Whether a program is on the PATH.</summary>
    public static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Starts a program; null where there is none of this name.</summary>
    /// <param name="start">Program (looked up on the PATH, or a path), arguments, environment and what is redirected.</param>
    /// <param name="memory">Bytes of address space that it may take; 0 = no limit.</param>
    /// <param name="processorTime">Seconds of processor time after which it is ended; 0 = no limit.</param>
    public static Process? TryStart(ProcessStartInfo start, long memory = 0, int processorTime = 0)
    {
        if (!(start.FileName.Contains('/') ? File.Exists(start.FileName) : IsInstalled(start.FileName)))
            return null;
        string[] limits = [.. Limit("as", memory), .. Limit("cpu", processorTime)];
        string[] arguments = ["--pdeathsig", "KILL", .. limits.Length > 0 ? [Limiter, .. limits] : (string[])[], start.FileName, .. start.ArgumentList];
        start.FileName = Warden;
        start.ArgumentList.Clear();
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);

        var started = new TaskCompletionSource<Process?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(start));
            }
            catch (Win32Exception error)
            {
                started.SetException(new UserErrorException($"cannot start {Warden} ({error.Message}); install it: apt-get install util-linux", error));
            }
        });
        return started.Task.GetAwaiter().GetResult();
    }

    // Where util-linux lies; a PATH may be made for the programs that are started alone.
    private static string Find(string program) => ((string[])[$"/usr/bin/{program}", $"/bin/{program}"]).FirstOrDefault(File.Exists) ?? program;

    private static string[] Limit(string what, long most) => most > 0 ? [string.Create(CultureInfo.InvariantCulture, $"--{what}={most}")] : [];
}

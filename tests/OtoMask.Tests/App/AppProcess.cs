using System.Diagnostics;

namespace OtoMask.Tests.App;

/// <summary>The real program in a process of its own, as a shell runs it.</summary>
internal sealed class AppProcess : IDisposable
{
    /// <summary>The program, which <c>dotnet</c> runs.</summary>
    public static readonly string App = Path.Combine(AppContext.BaseDirectory, "OtoMask.App.dll");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private readonly Process process;
    private readonly Task<string> output, error;

    private AppProcess(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // a killed process would leave the sockets of .NET's debugger behind
        process = Process.Start(start)!;
        output = process.StandardOutput.ReadToEndAsync();
        error = process.StandardError.ReadToEndAsync();
    }

    public static AppProcess Start(params string[] arguments) => new(Command(arguments));

    public static AppResult Run(params string[] arguments) => Start(arguments).Wait();

    /// <summary>Runs the program with one variable of its environment set.</summary>
    public static AppResult RunWith(string variable, string value, params string[] arguments) => StartWith(variable, value, arguments).Wait();

    /// <inheritdoc cref="RunWith"/>
    public static AppProcess StartWith(string variable, string value, params string[] arguments)
    {
        ProcessStartInfo start = Command(arguments);
        start.Environment[variable] = value;
        return new AppProcess(start);
    }

    /// <summary>Runs another program; <paramref name="set"/> may change its environment and folder.</summary>
    public static AppResult RunProgram(string program, string[] arguments, Action<ProcessStartInfo> set) => StartProgram(program, arguments, set).Wait();

    /// <inheritdoc cref="RunProgram"/>
    public static AppProcess StartProgram(string program, string[] arguments, Action<ProcessStartInfo> set)
    {
        var start = new ProcessStartInfo(program, arguments);
        set(start);
        return new AppProcess(start);
    }

    /// <summary>Whether it has ended, so that nobody waits for what it will not do.</summary>
    public bool HasExited => process.HasExited;

    public void Signal(string name) => Signal(name, process.Id);

    /// <summary>Sends a signal to any process.</summary>
    public static void Signal(string name, int process)
    {
        using Process kill = Process.Start("kill", [$"-{name}", $"{process}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for its end, and returns the most memory it had, in bytes.</summary>
    public long PeakMemory()
    {
        long peak = 0;
        DateTime end = DateTime.UtcNow + Patience;
        while (!process.WaitForExit(TimeSpan.FromMilliseconds(20)) && DateTime.UtcNow < end)
        {
            try
            {
                process.Refresh();
                peak = Math.Max(peak, process.PeakWorkingSet64);
            }
            catch (InvalidOperationException)
            {
                break; // it has ended in between
            }
        }
        return peak;
    }

    /// <summary>Waits until it has had so much processor time, or has ended. A busy machine gives it late, and a sleep would not notice.</summary>
    public void WaitForWork(TimeSpan processorTime)
    {
        DateTime end = DateTime.UtcNow + Patience;
        try
        {
            while (!process.HasExited && process.TotalProcessorTime < processorTime && DateTime.UtcNow < end)
            {
                Thread.Sleep(10);
                process.Refresh();
            }
        }
        catch (InvalidOperationException)
        {
            // It has ended in between.
        }
    }

    /// <summary>Ends it by SIGKILL, at once.</summary>
    public void Kill() => process.Kill();

    /// <summary>Whether it ends within a time.</summary>
    public bool EndsWithin(TimeSpan time) => process.WaitForExit(time);

    public AppResult Wait()
    {
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"still running after {Patience}");
        }
        return new AppResult(process.ExitCode, output.Result, error.Result);
    }

    public void Dispose() => process.Dispose();

    private static ProcessStartInfo Command(string[] arguments) => new("dotnet", [App, .. arguments]);
}

/// <summary>How a process ended and what it said.</summary>
internal sealed record AppResult(int ExitCode, string Output, string Error)
{
    /// <summary>The exit code is 2 and stderr holds one line, without a stack, that contains every one of <paramref name="parts"/>.</summary>
    public void AssertUserError(params string[] parts)
    {
        Assert.Equal((2, ""), (ExitCode, Output));
        string line = Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("otomask: ", line);
        Assert.All(parts, part => Assert.Contains(part, line));
    }
}

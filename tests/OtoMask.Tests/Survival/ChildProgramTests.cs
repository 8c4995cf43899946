using System.Diagnostics;
using OtoMask.Tests.App;
using OtoMask.Tests.Audio;

namespace OtoMask.Tests.Survival;

/// <summary>Programs that we start have limits and never outlive us, whatever ends us.</summary>
public sealed class ChildProgramTests : IDisposable
{
    private readonly SoundFiles files = new();

    public void Dispose() => files.Dispose();

    [Fact]
    public void Memory_and_processor_time_are_limited()
    {
        var start = new ProcessStartInfo("sh", ["-c", "ulimit -v; ulimit -t"]) { RedirectStandardOutput = true };
        using Process child = ChildProgram.TryStart(start, memory: 1L << 30, processorTime: 7)!;
        Assert.Equal("1048576\n7\n", child.StandardOutput.ReadToEnd());
    }

    [Fact]
    public void There_is_none_of_a_name_that_no_program_has() =>
        Assert.Null(ChildProgram.TryStart(new ProcessStartInfo("no-program-of-this-name")));

    [Theory]
    [InlineData("KILL", 137)]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public void A_program_that_hangs_ends_with_us(string signal, int exitCode)
    {
        // A stand-in for ffprobe that says who it is and then reads for ever.
        string script = files.WriteBytes("ffprobe", "#!/bin/sh\necho $$ > \"$(dirname \"$0\")/pid\"\nexec sleep 1000\n"u8.ToArray());
        using (Process mode = Process.Start("chmod", ["+x", script]))
            mode.WaitForExit();
        string sound = files.WriteBytes("a.m4a", "any bytes"u8.ToArray()), pid = files.PathOf("pid");

        using AppProcess app = AppProcess.StartProgram("dotnet", [AppProcess.App, "logmel", sound, "--out", files.PathOf("a.npy")],
            start => start.Environment["PATH"] = $"{files.Folder}:{Environment.GetEnvironmentVariable("PATH")}");
        Wait(() => File.Exists(pid) && File.ReadAllText(pid).EndsWith('\n'));
        app.Signal(signal);

        Assert.Equal(exitCode, app.Wait().ExitCode);
        Wait(() => !Directory.Exists($"/proc/{File.ReadAllText(pid).Trim()}"));
    }

    /// <summary>Waits for what comes, sooner on a quiet machine; never coming is a failure.</summary>
    private static void Wait(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromMinutes(2)));
}

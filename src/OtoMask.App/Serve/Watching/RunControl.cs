using System.Diagnostics;
using System.Globalization;
using OtoMask.Torch;

namespace OtoMask.App.Serve.Watching;

/// <summary>Stops a run as Ctrl-C would, with a checkpoint, and has it go on as <c>--resume</c> would.</summary>
internal static class RunControl
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4); // what is refused is refused by then

    /// <summary>Asks the process that trains in a run to finish its step, write a checkpoint and end (SIGTERM).</summary>
    /// <exception cref="UserErrorException">None trains there, or it is not to be reached.</exception>
    public static void Stop(WatchedRun run)
    {
        int process = HolderOf(run.Folder.LockFile) ?? throw new UserErrorException($"no process of this machine trains in {run.Id}");
        string number = process.ToString(CultureInfo.InvariantCulture);
        using Process? asks = ChildProgram.TryStart(new ProcessStartInfo("sh", ["-c", "kill -TERM \"$0\" 2>/dev/null", number]));
        asks?.WaitForExit();
        if (asks is not { ExitCode: 0 })
            throw new UserErrorException($"process {number} cannot be stopped; is it another user's?");
    }

    /// <summary>Starts the program again on a run that was stopped. The new process outlives the server.</summary>
    /// <returns>Ends when it is clear that the run goes on.</returns>
    /// <exception cref="UserErrorException">It was refused; the message says why.</exception>
    public static async Task ResumeAsync(string id, string folder, bool isFineTuning, CancellationToken cancellation)
    {
        string told = Path.Combine(Directory.CreateTempSubdirectory("otomask-").FullName, "told.txt");
        // A session of its own: neither Ctrl-C at the server's terminal nor the server's end is meant for it. The shell that waits for it goes with the server.
        var start = new ProcessStartInfo(
            "sh", ["-c", "setsid \"$@\" >/dev/null 2>\"$0\" </dev/null & wait $!", told, .. OwnProgram.Words, isFineTuning ? "finetune" : "pretrain", "--resume", folder]);
        try
        {
            using Process process = ChildProgram.TryStart(start) ?? throw new UserErrorException("there is no shell on this machine");
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            waiting.CancelAfter(Patience);
            try
            {
                await process.WaitForExitAsync(waiting.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return; // it trains
            }
            string said = File.Exists(told) ? InputFile.ReadText(told, InputFile.LargestTable).Trim() : "";
            if (process.ExitCode != 0)
                throw new UserErrorException($"{id} does not go on: {(said.Length > 0 ? said.Split('\n')[^1] : $"exit code {process.ExitCode}")}");
        }
        finally
        {
            File.Delete(told); // a process that has it open keeps writing into nothing
            Directory.Delete(Path.GetDirectoryName(told)!);
        }
    }

    /// <summary>The process of this machine that has a file locked, as the system lists them; null where none has.</summary>
    private static int? HolderOf(string file)
    {
        if (FileStatus.Of(file) is not { } status)
            return null;
        string inode = $":{status.Inode.ToString(CultureInfo.InvariantCulture)}";
        // 1: FLOCK  ADVISORY  WRITE 4321 fd:01:12345 0 EOF
        foreach (string line in KernelFile.Lines("/proc/locks"))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "FLOCK", _, "WRITE", var process, var place, ..] && place.EndsWith(inode, StringComparison.Ordinal)
                && int.TryParse(process, out int number) && HasOpen(number, file))
                return number;
        }
        return null;
    }

    private static bool HasOpen(int process, string file)
    {
        try
        {
            string wanted = Path.GetFullPath(file);
            return Directory.EnumerateFiles($"/proc/{process}/fd").Any(entry => File.ResolveLinkTarget(entry, returnFinalTarget: false)?.FullName == wanted);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

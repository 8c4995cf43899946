using System.Diagnostics;
using OtoMask.Distributed;

namespace OtoMask.App;

/// <summary>Processes of this command line on this machine, of which this one is the first. None outlives it.</summary>
internal sealed class StartedProcesses : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8); // as long as it takes them to find out who is gone
    private readonly string folder = Directory.CreateTempSubdirectory("otomask-").FullName; // this user's alone
    private readonly List<Process> others = [];

    /// <summary>Starts the others.</summary>
    /// <param name="count">How many they are with this one.</param>
    public StartedProcesses(int count)
    {
        RankPlace Place(int rank) => new(rank, count, rank, count) { Launcher = CommandLine.Name, StoreFile = Path.Combine(folder, "store") };
        First = Place(0);
        try
        {
            for (int rank = 1; rank < count; rank++)
                others.Add(Start(Place(rank)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The place of this process.</summary>
    public RankPlace First { get; }

    /// <summary>Ends those that have not ended by themselves, and waits for them.</summary>
    public void Dispose()
    {
        DateTime end = DateTime.UtcNow + Patience;
        foreach (Process other in others)
        {
            TimeSpan left = end - DateTime.UtcNow;
            if (!other.WaitForExit(left > TimeSpan.Zero ? left : TimeSpan.Zero))
                other.Kill();
            other.WaitForExit();
            other.Dispose();
        }
        Directory.Delete(folder, recursive: true);
    }

    private static Process Start(RankPlace place)
    {
        string program = OwnProgram.Words[0];
        var start = new ProcessStartInfo(program, [.. OwnProgram.Words.Skip(1), .. OwnProgram.Arguments]);
        foreach ((string name, string value) in Launchers.VariablesOf(place))
            start.Environment[name] = value;
        return ChildProgram.TryStart(start) ?? throw new UserErrorException($"cannot start {program} again; is it still there?");
    }
}

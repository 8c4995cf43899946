using OtoMask.Interop;
using OtoMask.Runs;
using OtoMask.Tests.App;
using OtoMask.Tests.Distributed;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Survival;

/// <summary>What a machine can run out of under one of several processes: it says so, the others say whom they lost and why, and nothing is lost.</summary>
public sealed class GroupFailureTests : IDisposable
{
    private readonly AppFolder folder = new();
    private readonly string audio;

    public GroupFailureTests() => audio = folder.Audio();

    public void Dispose() => folder.Dispose();

    [SmallDiskFact]
    public void A_full_disk_ends_all_and_the_same_command_goes_on_when_there_is_room()
    {
        RunFolder straight = new(folder.Inside("straight"));
        Assert.Equal(0, AppProcess.Run(Command(straight.Path)).ExitCode);
        string disk = Directory.CreateDirectory(folder.Inside("disk")).FullName, run = Path.Combine(disk, "run"), saved = folder.Inside("saved");
        string[] command = Command(run);
        long room = 5 * new FileInfo(straight.LatestCheckpoint).Length / 2;
        AppResult result = FullDisk.Run(disk, room, saved, command, command);

        Assert.True(result.ExitCode == 1, $"{result.ExitCode}: {result.Error}");
        string[] lines = result.Error.TrimEnd('\n').Split('\n');
        Assert.All((string[])["No space left", "the last good checkpoint is"], part => Assert.Contains(part, Assert.Single(lines, line => !line.Contains("rank 1: ", StringComparison.Ordinal))));
        Assert.Contains("rank 0 ended: ", Assert.Single(lines, line => line.StartsWith("otomask: rank 1: ", StringComparison.Ordinal)));
        SameRun.AssertSame(straight, new RunFolder(saved));
    }

    /// <summary>Memory that runs out in one process alone, as under a limit of its own (the kernel's end of it is that of <see cref="GroupKillTests"/>).</summary>
    [Fact]
    public void A_process_that_has_not_enough_memory_says_so_and_the_other_says_who_and_why()
    {
        const int Clips = 8, Frames = 200_000;
        string logMels = folder.Place("log-mels");
        var values = new float[80 * Frames]; // 64 MB to be read in one piece
        for (int clip = 0; clip < Clips; clip++)
            NpyFile.Write(Path.Combine(logMels, $"{clip}.npy"), values, [80, Frames]);
        int port = Ranks.FreePort();
        string run = folder.Inside("run");
        AppProcess[] ranks = [.. Enumerable.Range(0, 2).Select(rank => AppProcess.StartProgram("dotnet", [AppProcess.App, "pretrain", "--data", logMels, "--out", run, .. AppFolder.TinyRunOf(4), "--timeout", "20"], start =>
        {
            foreach ((string name, string value) in ((string, string)[])[("WORLD_SIZE", "2"), ("RANK", $"{rank}"), ("LOCAL_RANK", $"{rank}"), ("LOCAL_WORLD_SIZE", "2"), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", $"{port}")])
                start.Environment[name] = value;
            if (rank == 1)
                start.Environment["DOTNET_GCHeapHardLimit"] = "0x3000000"; // 48 MB
        }))];
        Assert.All(ranks, rank => Assert.True(rank.EndsWithin(TimeSpan.FromSeconds(60))));
        AppResult first = ranks[0].Wait(), second = ranks[1].Wait();
        Assert.Equal((1, 1), (first.ExitCode, second.ExitCode));
        Assert.StartsWith("otomask: rank 1 ended: not enough memory", Assert.Single(first.Error.TrimEnd('\n').Split('\n')));
        Assert.Equal("otomask: rank 1: not enough memory; try a smaller --batch", Assert.Single(second.Error.TrimEnd('\n').Split('\n')));
    }

    private string[] Command(string run) => ["pretrain", "--data", audio, "--out", run, .. AppFolder.TinyRunOf(4), "--processes", "2", "--timeout", "60"];
}

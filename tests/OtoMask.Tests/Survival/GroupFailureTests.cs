using OtoMask.Runs;
using OtoMask.Tests.App;
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

    private string[] Command(string run) => ["pretrain", "--data", audio, "--out", run, .. AppFolder.TinyRunOf(4), "--processes", "2", "--timeout", "60"];
}

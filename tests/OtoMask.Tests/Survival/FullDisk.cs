using OtoMask.Tests.App;

namespace OtoMask.Tests.Survival;

/// <summary>A disk that fills up under a run, and then has room again.</summary>
internal static class FullDisk
{
    private const int Filler = 8 << 20;

    /// <summary>Runs a command until the disk is full; once the filler is gone another goes on to the end of the run, which is copied to <paramref name="saved"/>.</summary>
    /// <param name="disk">Where the disk is mounted.</param>
    /// <param name="room">Bytes that it has for the run at first.</param>
    /// <param name="saved">Where the finished run goes.</param>
    /// <param name="begin">The command line of a run in <c>run</c> on the disk.</param>
    /// <param name="goOn">The one that goes on with it.</param>
    public static AppResult Run(string disk, long room, string saved, string[] begin, string[] goOn) => SmallDiskFactAttribute.RunWith(
        start =>
        {
            start.Environment["PREPARE"] = $"head -c {Filler} /dev/zero > \"$DISK/filler\"";
            start.Environment["AFTER"] = $"ls -R \"$DISK/run\"; rm \"$DISK/filler\"; dotnet '{AppProcess.App}' '{string.Join("' '", goOn)}' && cp -r \"$DISK/run\" '{saved}'";
        },
        disk, (int)((Filler + room) >> 10), begin);

    /// <summary>The run ends with words and without leftovers, and goes on when there is room again.</summary>
    /// <inheritdoc cref="Run"/>
    public static void AssertSurvived(string disk, long room, string saved, string[] begin)
    {
        AppResult result = Run(disk, room, saved, begin, [begin[0], "--resume", Path.Combine(disk, "run")]);
        Assert.True(result.ExitCode == 1, $"{result.ExitCode}: {result.Error}");
        string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.All((string[])["No space left", "the last good checkpoint is", $"otomask {begin[0]} --resume", "free some space"], part => Assert.Contains(part, line));
        Assert.DoesNotContain(".tmp", result.Output);
    }
}

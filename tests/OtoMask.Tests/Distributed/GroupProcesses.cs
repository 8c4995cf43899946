using System.Globalization;
using System.Text;
using OtoMask.Runs;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Distributed;

/// <summary>The processes that train into a folder, by rank.</summary>
internal static class GroupProcesses
{
    public static int[] Of(string run) => [.. Directory.GetDirectories("/proc").Select(IdOf).OfType<int>().Where(id => Names(id, run) && !IsYetToBecomeOne(id, run)).OrderBy(id => RankOf(id) ?? 0)];

    /// <summary>Waits until a run has a checkpoint of so many steps; the processes are not to end before.</summary>
    public static void WaitForCheckpoint(RunFolder run, long steps, params AppProcess[] processes)
    {
        DateTime end = DateTime.UtcNow + TimeSpan.FromMinutes(5);
        while (StepsOf(run) < steps)
        {
            Assert.True(DateTime.UtcNow < end && !processes.Any(process => process.HasExited), "no checkpoint came");
            Thread.Sleep(20);
        }
    }

    /// <summary>Steps of a run's newest checkpoint; -1 where there is none.</summary>
    public static long StepsOf(RunFolder run) => run.Checkpoints is [.., var latest] ? long.Parse(Path.GetFileNameWithoutExtension(latest)[5..], CultureInfo.InvariantCulture) : -1;

    private static int? IdOf(string folder) => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : null;

    private static bool Names(int id, string run) => Words(id, "cmdline") is var words && words.Contains(run) && words.Any(word => word is "pretrain" or "finetune") && Path.GetFileName(words[0]) == "dotnet";

    private static int? RankOf(int id) => Words(id, "environ").FirstOrDefault(word => word.StartsWith("RANK=", StringComparison.Ordinal)) is { } rank ? int.Parse(rank[5..], CultureInfo.InvariantCulture) : null;

    /// <summary>A copy of the first process that is about to become another program: for a moment it has that one's command line and environment.</summary>
    private static bool IsYetToBecomeOne(int id, string run) => RankOf(id) is null && ParentOf(id) is { } parent && Names(parent, run);

    private static int? ParentOf(int id) => Words(id, "status")[0].Split('\n').FirstOrDefault(line => line.StartsWith("PPid:", StringComparison.Ordinal)) is { } line ? int.Parse(line[5..], CultureInfo.InvariantCulture) : null;

    private static string[] Words(int id, string file)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{id}/{file}")).Split('\0');
        }
        catch (IOException)
        {
            return [""]; // it has ended in between
        }
    }
}

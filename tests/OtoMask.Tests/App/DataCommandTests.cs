using System.Diagnostics;
using System.Runtime.Versioning;
using OtoMask.Corpora;
using OtoMask.Tests.Corpora;

namespace OtoMask.Tests.App;

/// <summary><c>otomask data</c> as a shell runs it, on a Debian that is made up but for its package.</summary>
[SupportedOSPlatform("linux")]
public sealed class DataCommandTests : IDisposable
{
    private readonly FakeDebian debian = new("ㄇㄚ", "ㄊㄢ", "ㄅㄛ", "ㄍㄨㄤ");

    public void Dispose() => debian.Dispose();

    [Fact]
    public void Fetching_says_the_size_first_and_a_second_time_downloads_nothing()
    {
        AppResult first = Fetch("tones", "tones-cross-speaker");
        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        string[] lines = first.Output.Split('\n');
        Assert.StartsWith("downloading 1 MB of Debian packages", lines[0]);
        Assert.Contains("MB are free", lines[1]);
        Assert.Contains("tones: 32 clips in 4 classes", first.Output);
        Assert.Contains($"--task {debian.Data}/tones.csv", first.Output);
        byte[] table = File.ReadAllBytes(Path.Combine(debian.Data, "tones.csv"));
        Assert.True(File.Exists(Path.Combine(debian.Data, "tones-cross-speaker.csv")));
        Assert.Equal(1, debian.Downloads);

        debian.RemoveProgram("apt-get");
        debian.RemoveProgram("dpkg-deb");
        AppResult second = Fetch("tones");
        Assert.Equal((0, ""), (second.ExitCode, second.Error));
        Assert.StartsWith("nothing to download", second.Output);
        Assert.Equal(table, File.ReadAllBytes(Path.Combine(debian.Data, "tones.csv")));
    }

    [Fact]
    public void The_list_names_every_task_and_what_is_assembled()
    {
        Fetch("tones");
        AppResult list = debian.Run("data", "list", "--data-dir", debian.Data);
        Assert.Equal((0, ""), (list.ExitCode, list.Error));
        Assert.All([.. KnownTasks.All.Select(task => task.Name), "unlabelled", "unlabelled-long"], name => Assert.Single(Rows(list, name)));
        Assert.Equal(["tones", "speech", "4", "32", "0", "yes"], Cells(list, "tones").Where((_, column) => column != 2));
        Assert.Equal("no", Cells(list, "speakers")[^1]);
        Assert.Equal("?", Cells(list, "speakers")[^2]);      // this Debian has no such package
        Assert.Contains("apt knows no package", list.Output);
    }

    [Fact]
    public void The_list_needs_no_apt()
    {
        debian.RemoveProgram("apt-cache");
        AppResult list = debian.Run("data", "list", "--data-dir", debian.Data);
        Assert.Equal((0, ""), (list.ExitCode, list.Error));
        Assert.Equal("?", Cells(list, "tones")[^2]);
        Assert.Contains("apt-cache is not on this machine", list.Output);
    }

    [Fact]
    public void A_description_says_what_is_there_and_what_is_missing()
    {
        string before = Describe("tones");
        Assert.Contains("gcin-voice 1.0-1", before);
        Assert.Contains("otomask data fetch tones", before);
        debian.RemoveProgram("apt-cache");
        Assert.Contains("apt-cache is not on this machine", Describe("tones"));
        Assert.Contains("hedgewars-data", Describe("unlabelled"));
        Assert.Contains("festvox-ru", Describe("unlabelled-long"));

        Assert.Equal(2, Fetch("tones").ExitCode);
        using FakeDebian whole = new("ㄇㄚ", "ㄊㄢ", "ㄅㄛ", "ㄍㄨㄤ");
        Assert.Equal(0, whole.Run("data", "fetch", "tones", "--data-dir", debian.Data).ExitCode);
        string after = Describe("tones");
        Assert.All((string[])["tones.csv", "CC-BY-3", "1.0-1", "content hash"], part => Assert.Contains(part, after));
        string[] rows = File.ReadAllLines(Path.Combine(debian.Data, "tones.csv"));
        Assert.Contains($"{rows.Count(row => row.Contains(",test,"))} clips", after);
        Assert.DoesNotContain("missing", after);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("describe", "tones")]
    [InlineData("fetch", "tones")]
    public void Ctrl_C_while_apt_is_asked_ends_like_any_other(params string[] arguments)
    {
        debian.MakeAptThink();
        using AppProcess app = debian.Start(["data", .. arguments, "--data-dir", debian.Data]);
        WaitFor(() => debian.IsHanging);
        debian.InterruptHanging();   // a terminal sends Ctrl-C to both
        app.Signal("INT");
        AppResult stopped = app.Wait();
        Assert.Equal((130, "otomask: stopped\n"), (stopped.ExitCode, stopped.Error));
    }

    [Fact]
    public void Wrong_names_are_refused_before_anything_is_downloaded()
    {
        Fetch("tones", "tonez").AssertUserError("'tonez'", "did you mean tones?", "data list");
        Fetch("Unlabeled").AssertUserError("did you mean unlabelled?");
        Fetch().AssertUserError("--all");
        Fetch("--al").AssertUserError("unknown option '--al'", "did you mean --all?");
        debian.Run("data", "fetch", "tones", "--data-dir", "").AssertUserError("data folder");
        debian.Run("data", "describe", "drum", "--data-dir", debian.Data).AssertUserError("did you mean drums?");
        debian.Run("data", "fetsch").AssertUserError("did you mean fetch?");
        Assert.Equal(0, debian.Downloads);
        Assert.False(Directory.Exists(debian.Data));
    }

    [Theory]
    [InlineData("apt-cache", "run on Debian or Ubuntu")]
    [InlineData("apt-get", "run on Debian or Ubuntu")]
    [InlineData("dpkg-deb", "run on Debian or Ubuntu")]
    public void A_missing_program_is_named(string program, string remedy)
    {
        debian.RemoveProgram(program);
        Refused(Fetch("tones"), 2, $"{program} is not on this machine", remedy);
    }

    [Theory]
    [InlineData("no-network", 2, "Temporary failure resolving", "check the network")]
    [InlineData("disk-full", 1, "the disk is full", "free some space")]
    [InlineData("damages", 1, "could not be unpacked", "try again")]
    public void A_download_that_fails_leaves_nothing_and_can_be_repeated(string behaviour, int code, params string[] parts)
    {
        debian.Behave(behaviour);
        Refused(Fetch("tones"), code, ["gcin-voice", .. parts]);
        debian.Behave("works");
        Assert.Equal(0, Fetch("tones").ExitCode);
    }

    [Fact]
    public void A_package_that_apt_does_not_know_is_named()
    {
        debian.ForgetPackage();
        Refused(Fetch("tones"), 2, "apt knows no package gcin-voice", "sudo apt-get update");
    }

    [Fact]
    public void A_folder_that_cannot_be_made_is_named()
    {
        string file = debian.Inside("file");
        File.WriteAllText(file, "in the way");
        foreach (string place in (string[])[file, Path.Combine(file, "x")])
            Refused(debian.Run("data", "fetch", "tones", "--data-dir", place), 2, place, "name another");
        Assert.Equal(0, debian.Downloads);
    }

    [SmallDiskFact]
    public void A_full_disk_is_seen_before_the_download()
    {
        Directory.CreateDirectory(debian.Data);
        AppResult result = SmallDiskFactAttribute.RunWith(debian.UseProgramsFirst, debian.Data, kilobytes: 12, "data", "fetch", "tones", "--data-dir", debian.Data);
        Refused(result, 1, "MB free", "--data-dir");
        Assert.Equal(0, debian.Downloads);
        Assert.EndsWith("left behind: \n", result.Output);
    }

    [SmallDiskFact]
    public void A_disk_that_fills_while_clips_are_written_keeps_the_package_and_no_clip()
    {
        Assert.Equal(0, Fetch("tones").ExitCode);
        string packages = debian.Inside("packages");
        Directory.Move(Path.Combine(debian.Data, "packages"), packages);
        // The unpacked package takes 32 files of 8 kB; the clips would take as much again.
        AppResult result = SmallDiskFactAttribute.RunWith(
            start =>
            {
                debian.UseProgramsFirst(start);
                start.Environment["PREPARE"] = $"cp -r '{packages}' '{debian.Data}'";
            },
            debian.Data, kilobytes: 400, "data", "fetch", "tones", "--data-dir", debian.Data);
        Assert.Equal(1, result.ExitCode);
        string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.All((string[])["syllables-v1", "No space left", "free some space"], part => Assert.Contains(part, line));
        Assert.EndsWith("left behind: .lock\npackages\n", result.Output);
    }

    [Fact]
    public void What_a_killed_run_left_behind_is_swept_away_and_nothing_of_others()
    {
        string packages = Path.Combine(debian.Data, "packages");
        string[] leftovers = [Path.Combine(packages, ".unfinished-1"), Path.Combine(debian.Data, ".unfinished-2")];
        string[] others = [Path.Combine(packages, ".git"), Path.Combine(packages, ".gcin-voice_1.0-1"), Path.Combine(debian.Data, ".syllables-v1"), Path.Combine(debian.Data, ".unfinished-symphony")];
        foreach (string folder in (string[])[.. leftovers, .. others])
        {
            Directory.CreateDirectory(Path.Combine(folder, "content"));
            File.WriteAllText(Path.Combine(folder, "content", "ma-1-3.flac"), "half a clip");
        }
        foreach (string leftover in leftovers)
            File.WriteAllText(Path.Combine(leftover, ".otomask-unfinished"), "");
        Assert.Equal(0, Fetch("tones").ExitCode);
        Assert.All(leftovers, folder => Assert.False(Directory.Exists(folder), folder));
        Assert.All(others, folder => Assert.Equal("half a clip", File.ReadAllText(Path.Combine(folder, "content", "ma-1-3.flac"))));
        Assert.True(Directory.Exists(Path.Combine(packages, "gcin-voice_1.0-1")));

        Directory.CreateDirectory(leftovers[1]); // killed when its work was done
        File.WriteAllText(Path.Combine(leftovers[1], ".otomask-unfinished"), "");
        Assert.Equal(0, Fetch("tones").ExitCode);
        Assert.False(Directory.Exists(leftovers[1]));
    }

    [Theory]
    [InlineData("syllables-v1/mine.txt"), InlineData("tones.csv"), InlineData("tones.json")]
    public void What_was_not_assembled_here_is_not_replaced(string mine)
    {
        string path = Path.Combine(debian.Data, mine);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "mine");
        AppResult result = Fetch("tones");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(Path.Combine(debian.Data, mine.Split('/')[0]), result.Error);
        Assert.Contains("--data-dir", result.Error);
        Assert.Equal("mine", File.ReadAllText(path));
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("KILL", 137)]
    public void A_stopped_download_is_taken_up_again(string signal, int code)
    {
        debian.Behave("hangs");
        using (AppProcess app = debian.Start("data", "fetch", "tones", "--data-dir", debian.Data))
        {
            WaitFor(() => debian.IsHanging);
            app.Signal(signal);
            AppResult stopped = app.Wait();
            Assert.Equal(code, stopped.ExitCode);
            if (signal == "INT")
            {
                Assert.Equal("otomask: stopped\n", stopped.Error);
                Assert.Contains("the same command goes on from there", stopped.Output);
                Assert.Empty(debian.Left());
                Assert.False(debian.IsHanging);
            }
        }
        debian.Behave("works");
        AppResult again = Fetch("tones");
        Assert.Equal((0, ""), (again.ExitCode, again.Error));
        Assert.Equal(33, File.ReadLines(Path.Combine(debian.Data, "tones.csv")).Count());
    }

    private AppResult Fetch(params string[] names) => debian.Run(["data", "fetch", .. names, "--data-dir", debian.Data]);

    private string Describe(string name)
    {
        AppResult result = debian.Run("data", "describe", name, "--data-dir", debian.Data);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result.Output;
    }

    /// <summary>The exit code, one line on stderr with every one of <paramref name="parts"/>, and nothing half-written.</summary>
    private void Refused(AppResult result, int code, params string[] parts)
    {
        Assert.True(code == result.ExitCode, $"exit code {result.ExitCode}: {result.Error}");
        string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.All(parts, part => Assert.Contains(part, line));
        Assert.DoesNotContain("Exception", line);
        Assert.Empty(debian.Left());
    }

    private static void WaitFor(Func<bool> condition)
    {
        for (long begin = Stopwatch.GetTimestamp(); !condition(); Thread.Sleep(50))
            Assert.True(Stopwatch.GetElapsedTime(begin) < TimeSpan.FromMinutes(1), "it never began");
    }

    private static string[] Cells(AppResult list, string name) => [.. Rows(list, name).Single().Trim('│').Split('│').Select(cell => cell.Trim())];

    private static string[] Rows(AppResult list, string name) => [.. list.Output.Split('\n').Where(line => line.StartsWith($"│ {name} ", StringComparison.Ordinal))];
}

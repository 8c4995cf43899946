using System.Text.Json;
using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

public class TaskAssemblerTests
{
    private static readonly string[] SomeSyllables = ["ㄇㄚ", "ㄊㄢ", "ㄅㄛ", "ㄍㄨㄤ", "ㄒㄧㄝ", "ㄩㄢ", "ㄓㄨ", "ㄇㄠ", "ㄊㄡ", "ㄅㄟ"];

    [Fact]
    public void ATaskIsACsvBesideItsClips()
    {
        using FakePackages fake = new();
        fake.AddSyllables(SomeSyllables);
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("tones"));

        string[] lines = File.ReadAllLines(task.CsvPath);
        Assert.Equal("file_name,label,split,group", lines[0]);
        Assert.Equal(80, lines.Length - 1);
        string[][] rows = [.. lines.Skip(1).Select(line => line.Split(','))];
        Assert.All(rows, row => Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(task.CsvPath)!, row[0]))));
        Assert.Equal(["tone1", "tone2", "tone3", "tone4"], rows.Select(row => row[1]).Distinct().Order());
        Assert.All(rows.GroupBy(row => row[3]), group => Assert.Single(group.Select(row => row[2]).Distinct()));
        Assert.Equal(24, rows.Count(row => row[2] == "test"));
    }

    [Fact]
    public void TheSummaryCountsWhatIsThere()
    {
        using FakePackages fake = new();
        fake.AddSyllables(SomeSyllables);
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("tones"));

        using JsonDocument summary = JsonDocument.Parse(File.ReadAllText(task.SummaryPath));
        JsonElement root = summary.RootElement;
        Assert.Equal(80, root.GetProperty("clips").GetInt32());
        Assert.Equal(80, root.GetProperty("labels").EnumerateArray().Sum(label => label.GetProperty("train").GetInt32() + label.GetProperty("test").GetInt32()));
        Assert.Equal("1.0-1", root.GetProperty("packages")[0].GetProperty("version").GetString());
        Assert.Equal(64, root.GetProperty("contentHash").GetString()!.Length);
    }

    [Fact]
    public void CrossSpeakerTrainsOnOneAndTestsOnTheOther()
    {
        using FakePackages fake = new();
        fake.AddSyllables(SomeSyllables);
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("tones-cross-speaker"));
        Assert.All(task.Clips, clip => Assert.Equal(clip.Origin.Tags["speaker"] == "5", clip.IsTest));
        Assert.Equal(40, task.Clips.Count(clip => clip.IsTest));
    }

    [Fact]
    public void AClassThatOneSideLacksIsLeftOut()
    {
        using FakePackages fake = new();
        fake.AddSyllables(SomeSyllables);
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("initials"));
        // m, t and b begin two syllables each; the others one, so that one side lacks them.
        Assert.Equal(["b", "m", "t"], task.Clips.Select(clip => clip.Label).Distinct().Order());
    }

    [Fact]
    public void ATaskWithoutAnyClassOnBothSidesIsRefused()
    {
        using FakePackages fake = new();
        fake.AddSyllables("ㄇㄚ");
        string message = Assert.Throws<UserErrorException>(() => Assembler(fake).Assemble(KnownTasks.Find("initials"))).Message;
        Assert.Contains("initials", message);
        Assert.Contains("gcin-voice", message);
    }

    [Fact]
    public void AnUnknownTaskIsAnsweredWithTheKnownOnes()
    {
        string message = Assert.Throws<UserErrorException>(() => KnownTasks.Find("tonez")).Message;
        Assert.Contains("tonez", message);
        Assert.Contains("tones-cross-speaker", message);
    }

    [Fact]
    public void AnUnknownPackageIsNamedWithTheRemedy()
    {
        using FakePackages fake = new();
        string message = Assert.Throws<UserErrorException>(() => fake.Packages.Cost(["otomask-no-such-package"])).Message;
        Assert.Contains("otomask-no-such-package", message);
        Assert.False(Directory.Exists(fake.Cache));
    }

    [Fact]
    [Trait("Category", "Network")]
    public void TonesComeFromTheRealPackage()
    {
        using FakePackages fake = new();
        TaskAssembler assembler = Assembler(fake);
        AssembledTask task;
        try
        {
            task = assembler.Assemble(KnownTasks.Find("tones"));
        }
        catch (UserErrorException problem) when (problem.Message.Contains("apt"))
        {
            return;   // no network, no package lists, or no Debian: the message says which, and the other tests cover the rest
        }
        Assert.InRange(task.Clips.Count, 2000, 2500);
        Assert.Equal(4, task.Clips.Select(clip => clip.Label).Distinct().Count());
        Assert.Equal(0, assembler.Cost([task.Recipe]).DownloadBytes);
    }

    private static TaskAssembler Assembler(FakePackages fake) => new(Path.Combine(fake.Root, "library"), fake.Packages, progress: null);
}

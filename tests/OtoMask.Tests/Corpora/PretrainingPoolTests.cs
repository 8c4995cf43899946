using System.Text.Json;
using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

public class PretrainingPoolTests
{
    private static readonly string[] SomeSyllables = ["ㄇㄚ", "ㄊㄢ", "ㄅㄛ", "ㄍㄨㄤ", "ㄒㄧㄝ", "ㄩㄢ", "ㄓㄨ", "ㄇㄠ", "ㄊㄡ", "ㄅㄟ"];

    [Fact]
    public void ThePoolHoldsNoTestClipAndNoCopyOfOne()
    {
        using FakePackages fake = new();
        fake.AddSyllables(SomeSyllables);
        fake.AddSound("gcin-voice", "usr/share/gcin-voice/ogg/ㄉㄜ1/3.ogg");   // neutral tone: no part in the task, but sound to learn from
        fake.AddSound("sonic-pi-samples", "usr/share/sonic-pi/samples/loop_long.flac", seconds: 5);
        fake.AddSound("sonic-pi-samples", "usr/share/sonic-pi/samples/bd_hit.flac");
        fake.AddSound("lmms-common", "usr/share/lmms/samples/waveforms/cycle.flac", seconds: 0.02);
        TaskAssembler assembler = Assembler(fake);
        AssembledTask tones = assembler.Assemble(KnownTasks.Find("tones"));
        string folder = Path.GetDirectoryName(tones.CsvPath)!;
        TaskClip tested = tones.Clips.First(clip => clip.IsTest);
        Directory.CreateDirectory(fake.PathOf("lmms-common", "usr/share/lmms/samples/effects"));
        File.Copy(Path.Combine(folder, tested.FileName), fake.PathOf("lmms-common", "usr/share/lmms/samples/effects/copy.flac"));
        AssembledTask drums = assembler.Assemble(KnownTasks.Find("drums-small") with { Sources = [SomeHits()] });

        string[] pool = [.. File.ReadAllLines(assembler.AssemblePretrainingPool([tones, drums]).CsvPath).Skip(1)];
        Assert.Equal(56 + 1 + 1 + 3, pool.Length);   // training clips, the neutral tone, a training hit, three pieces of the loop
        Assert.Empty(pool.Intersect(tones.Clips.Concat(drums.Clips).Where(clip => clip.IsTest).Select(clip => clip.FileName)));
        Assert.DoesNotContain(pool, file => file.Contains("copy") || file.Contains("bd_hit") || file.Contains("cycle"));
        Assert.All(pool, file => Assert.True(File.Exists(Path.Combine(folder, file))));
    }

    [Theory]
    [InlineData("tones", "speakers")]
    [InlineData("tones-cross-speaker", "words-language")]
    [InlineData("initials-cross-speaker", "speakers", "words-language")]
    public void NoGroupThatIsTestedOnIsInThePoolWhicheverTasksAreScored(params string[] names)
    {
        using FakePackages fake = new();
        fake.AddSyllables(SomeSyllables);
        BenchmarkTests.AddWords(fake);
        foreach (string file in new[] { "Pirate/Fire1", "Pirate/Fire2", "Pirate/Hello", "Pirate/Laugh", "Robot/Fire", "Robot/Hello", "Robot/Laugh" })
            fake.AddSound("hedgewars-data", $"usr/share/games/hedgewars/Data/Sounds/voices/{file}.flac");
        fake.AddSound("hedgewars-data", "usr/share/games/hedgewars/Data/Music/theme.flac", seconds: 21);
        TaskAssembler assembler = Assembler(fake);
        AssembledTask[] tasks = [.. names.Select(name => assembler.Assemble(KnownTasks.Find(name)))];
        AssembledPool pool = assembler.AssemblePretrainingPool(tasks);

        HashSet<string> testContents = [.. tasks.SelectMany(task => task.Clips).Where(clip => clip.IsTest).Select(clip => clip.Origin.Sha256)];
        Assert.DoesNotContain(pool.Clips, clip => testContents.Contains(clip.Origin.Sha256));
        foreach (AssembledTask task in tasks)
        {
            HashSet<string> testGroups = [.. task.Clips.Where(clip => clip.IsTest).Select(clip => clip.Group)];
            PoolClip[] ofItsSource = [.. pool.Clips.Where(clip => task.Recipe.Sources.Any(source => clip.FileName.StartsWith(source.Name + "/", StringComparison.Ordinal)))];
            Assert.NotEmpty(ofItsSource);
            Assert.DoesNotContain(ofItsSource, clip => testGroups.Contains(task.Recipe.Group(clip.Origin)));
        }
        // Music comes in pieces of ten seconds, where the packages are there for a task.
        Assert.Equal(names.Contains("speakers") ? 3 : 0, pool.Clips.Count(clip => clip.FileName.StartsWith("game-audio-v1/", StringComparison.Ordinal)));
        // Unlabelled languages and noises are sound to learn from.
        Assert.Equal(names.Contains("words-language") ? 4 : 0, pool.Clips.Count(clip => clip.Origin.Tags.TryGetValue("language", out string? language) && language is "" or "be" or "lt"));
    }

    [Fact]
    public void TheSummaryNamesTasksHoursAndLicences()
    {
        using FakePackages fake = new();
        fake.AddSyllables(SomeSyllables);
        TaskAssembler assembler = Assembler(fake);
        AssembledPool pool = assembler.AssemblePretrainingPool([assembler.Assemble(KnownTasks.Find("tones"))]);

        using JsonDocument summary = JsonDocument.Parse(File.ReadAllText(pool.SummaryPath));
        JsonElement root = summary.RootElement;
        Assert.Equal("tones", root.GetProperty("tasks")[0].GetString());
        Assert.Equal(56 * 0.2 / 3600, root.GetProperty("hours").GetDouble(), 6e-4);
        Assert.Equal(pool.ContentHash, root.GetProperty("contentHash").GetString());
        Assert.Equal(["CC-BY-3", "GPL-3 or LGPL-3"], root.GetProperty("packages").EnumerateArray().Select(package => package.GetProperty("licence").GetString()!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AWidePoolTakesAllPackagesOfTheBenchmarkAndIsNamedByWhatMayBeScored()
    {
        TaskRecipe[] tones = [KnownTasks.Find("tones")];
        Assert.Equal(["gcin-voice"], new PoolRecipe(tones, PoolBreadth.SamePackages).Sources.SelectMany(source => source.Packages));
        string[] all = [.. new PoolRecipe(tones, PoolBreadth.Everything).Sources.SelectMany(source => source.Packages)];
        Assert.Superset(KnownTasks.Benchmark.SelectMany(task => task.Packages).Append("fillets-ng-data-cs").ToHashSet(), all.ToHashSet());
        Assert.Equal("unlabelled-tones", new PoolRecipe(tones, PoolBreadth.Everything).FileName);
        Assert.Equal("unlabelled", new PoolRecipe([.. KnownTasks.Benchmark.Reverse()], PoolBreadth.Everything).FileName);
        Assert.Equal("pool-tones", new PoolRecipe(tones, PoolBreadth.SamePackages).FileName);
    }

    [Fact]
    public void ThePoolOfLongClipsHoldsNoShortOneAndNoneThatAnyTaskTestsOn()
    {
        TaskRecipe[] tasks = [.. KnownTasks.Benchmark, .. KnownTasks.Wider];
        PoolRecipe recipe = new(tasks, PoolBreadth.LongClips);
        Assert.Equal("unlabelled-long", recipe.FileName);
        Assert.Superset(new PoolRecipe(tasks, PoolBreadth.Everything).Packages.Append("festvox-ru").ToHashSet(), recipe.Packages.ToHashSet());

        ManifestClip Clip(string name, double seconds) => new(name, name, seconds, "package", "1", "GPL-2", new Dictionary<string, string>());
        TaskRecipe task = new([PackagedAudio.GameMusic], _ => "label", clip => clip.FileName) { Name = "t", Family = "music", Summary = "", Known = (1, 2), Caution = "" };
        AssembledTask assembled = new(task, "t.csv", "t.json", [new TaskClip("tested", "label", IsTest: true, "tested", Clip("tested", 9))]);
        IReadOnlyList<PoolClip> pool = PretrainingPool.Choose([assembled], PoolBreadth.LongClips, source =>
            source == PackagedAudio.GameMusic ? [Clip("tested", 9), Clip("short", 2.59), Clip("long", 2.6)] : []);
        Assert.Equal(["game-audio-v1/long"], pool.Select(clip => clip.FileName));
    }

    /// <summary>Hits whose packages are those of the drum loops.</summary>
    private static FakeSource SomeHits() => new(
        "some-hits",
        FakeSource.Clip(2000, "lmms-common", ("kind", "kick"), ("kit", "lmms-common"), ("source", "a")),
        FakeSource.Clip(2001, "sonic-pi-samples", ("kind", "kick"), ("kit", "sonic-pi-samples"), ("source", "b")));

    private static TaskAssembler Assembler(FakePackages fake) => new(Path.Combine(fake.Root, "library"), fake.Packages, progress: null);
}

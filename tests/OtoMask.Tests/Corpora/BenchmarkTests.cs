using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

/// <summary>What the tasks of the small benchmark keep apart.</summary>
public class BenchmarkTests
{
    private const string Voices = "usr/share/games/hedgewars/Data/Sounds/voices";

    [Fact]
    public void TasksAndTheirSourcesHaveDistinctNamesAndAKnownFamily()
    {
        Assert.Equal(KnownTasks.All.Count, KnownTasks.All.Select(task => task.Name).Distinct().Count());
        Assert.All(KnownTasks.All, task => Assert.Contains(task.Family, new[] { "events", "speech", "music", "generalisation" }));
        IClipSource[] sources = [.. new PoolRecipe(KnownTasks.All, PoolBreadth.LongClips).Sources];
        Assert.Equal(sources.Length, sources.Select(source => source.Name).Distinct().Count());
    }

    [Fact]
    public void NoPhraseIsOnBothSidesOfSpeakersAndAFileOfSeveralVoicesIsOfNone()
    {
        using FakePackages fake = new();
        foreach (string voice in new[] { "Pirate", "Robot", "Singer" })
        {
            foreach (string phrase in new[] { "Hello", "Byebye", "Ow1", "Ow2", "Fire", "Jump", "Laugh", "Melon", "Nooo", "Oops" })
                fake.AddSound("hedgewars-data", $"{Voices}/{voice}/{phrase}.flac");
        }
        fake.AddSound("hedgewars-data", $"{Voices}/Pirate/Shared.flac", FakePackages.Noise(1000));
        fake.AddSound("hedgewars-data", $"{Voices}/Robot/Shared.flac", FakePackages.Noise(1000));
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("speakers"));

        Assert.Equal(30, task.Clips.Count);
        Assert.DoesNotContain(task.Clips, clip => clip.Group == "Shared");
        Assert.Equal(6, task.Clips.Count(clip => clip.Group == "Ow"));   // takes of a phrase stay together
        AssertSplit(task);
    }

    [Fact]
    public void WordsAreTestedInVoicesNotHeardAndBelarusianIsTheRussianVoice()
    {
        using FakePackages fake = new();
        AddWords(fake);
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("words-language"));

        Assert.Equal(["fr", "ru"], task.Clips.Select(clip => clip.Label).Distinct().Order());
        Assert.All(task.Clips, clip => Assert.Equal(clip.Origin.Package != "tuxpaint-stamps-default", clip.IsTest));
        AssertSplit(task);
        string[] testedVoices = [.. task.Clips.Where(clip => clip.IsTest).Select(clip => clip.Origin.Tags["voice"]).Distinct()];
        Assert.Empty(testedVoices.Intersect(task.Clips.Where(clip => !clip.IsTest).Select(clip => clip.Origin.Tags["voice"])));
        IReadOnlyList<ManifestClip> all = fake.Library().Provide(new SpokenWords());
        Assert.Single(all.Where(clip => clip.Package == "tuxpaint-stamps-default" && clip.Tags["language"] is "be" or "ru").Select(clip => clip.Tags["voice"]).Distinct());
        // In training every language has one voice: the words are what a validation part can be made of.
        Assert.Equal(2, task.Clips.Where(clip => !clip.IsTest).Select(clip => clip.Group).Distinct().Count());
    }

    [Fact]
    public void DrumsAreSplitByMakerSoThatAKitSoldTwiceIsOnOneSide()
    {
        using FakePackages fake = new();
        string[] kinds = ["kick", "snare"];
        FakeSource hits = new("hits", [.. kinds.Index().SelectMany(kind => new[]
        {
            Hit(10 + kind.Index, "hydrogen-data", kind.Item, "GMRockKit"),
            Hit(20 + kind.Index, "sonic-pi-samples", kind.Item, "sonic-pi-samples"),
            Hit(30 + kind.Index, "timgm6mb-soundfont", kind.Item, "timgm6mb-soundfont/jazz"),
        })]);
        FakeSource kits = new("kits", [.. kinds.Index().SelectMany(kind => new[]
        {
            Hit(10 + kind.Index, "hydrogen-drumkits", kind.Item, "The Black Pearl 1.0"),   // the same recordings
            Hit(40 + kind.Index, "hydrogen-drumkits", kind.Item, "The Black Pearl 1.0") with { Name = $"other{kind.Index}" },
            Hit(50 + kind.Index, "hydrogen-drumkits", kind.Item, "Millo_MultiLayered2"),
            Hit(60 + kind.Index, "hydrogen-drumkits", "", "Millo-Drums_v.1"),
        })]);
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("drums") with { Sources = [Provided(fake, hits), Provided(fake, kits)] });

        Assert.Equal(10, task.Clips.Count);   // neither the copies nor what is no hit
        AssertSplit(task);
        Assert.Equal(["MacArthur", "timgm6mb-soundfont"], Groups(task, test: false));
        Assert.Equal(["Millo", "sonic-pi-samples"], Groups(task, test: true));

        static SourceClip Hit(int number, string package, string kind, string kit) => FakeSource.Clip(number, package, ("kind", kind), ("kit", kit));
    }

    [Fact]
    public void NoSoundFontIsOnBothSidesOfNotesAndForPitchNoProgramEither()
    {
        using FakePackages fake = new();
        FakeSource[] fonts = [Provided(fake, Notes("fluid-soundfont-gm", 0)), Provided(fake, Notes("timgm6mb-soundfont", 1000))];
        TaskAssembler assembler = Assembler(fake);
        AssembledTask instruments = assembler.Assemble(KnownTasks.Find("instruments") with { Sources = fonts });
        AssembledTask pitch = assembler.Assemble(KnownTasks.Find("pitch") with { Sources = fonts });

        Assert.All(instruments.Clips.Concat(pitch.Clips), clip => Assert.Equal(clip.Origin.Package == "timgm6mb-soundfont", clip.IsTest));
        AssertSplit(instruments);
        AssertSplit(pitch);
        Assert.Equal(64, instruments.Clips.Count);
        Assert.Equal((24, 8), (pitch.Clips.Count(clip => !clip.IsTest), pitch.Clips.Count(clip => clip.IsTest)));
        Assert.Equal(["program10", "program14", "program2", "program6"], Groups(pitch, test: true));

        static FakeSource Notes(string package, int first) => new(package, [.. Enumerable.Range(0, 32).Select(i =>
            FakeSource.Clip(first + i, package, ("program", $"{i / 2}"), ("family", GeneralMidi.Families[i / 16]), ("pitch", i % 2 == 0 ? "60" : "72")))]);
    }

    [Fact]
    public void CallsAndTheirNumbersAreTestedInVoicesNotHeard()
    {
        using FakePackages fake = new();
        foreach (string voice in new[] { "female1", "female2", "male1", "male2", "de/female1", "de/female2", "de/male1", "de/male2" })
        {
            foreach (string call in new[] { "b1", "c1", "s9", "kong", "db" })
                fake.AddSound("kajongg", $"usr/share/kajongg/voices/{voice}/{call}.flac");
        }
        AssembledTask words = Assembler(fake).Assemble(KnownTasks.Find("words-cross-speaker")), numbers = Assembler(fake).Assemble(KnownTasks.Find("numbers-cross-speaker"));

        Assert.All([words, numbers], AssertSplit);
        Assert.All([words, numbers], task => Assert.Equal(["female2", "male2"], Groups(task, test: true)));
        Assert.Equal((40, 10), (words.Clips.Count, words.Clips.Select(clip => clip.Label).Distinct().Count()));
        Assert.Equal(["de/1", "de/9", "default/1", "default/9"], numbers.Clips.Select(clip => clip.Label).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(24, numbers.Clips.Count);
    }

    [Fact]
    public void LettersAreWhatTheLanguagesOwnTableSaysAndNoVoiceIsOnBothSides()
    {
        using FakePackages fake = new();
        AddWords(fake);
        foreach (string language in new[] { "da", "de", "en", "it", "nb" })
        {
            foreach (string file in new[] { "alpha/0", "alpha/1", "alpha/ae", "syllab/ba" })
                fake.AddSound("klettres-data", $"usr/share/klettres/{language}/{file}.flac");
            File.WriteAllText(fake.PathOf("klettres-data", $"usr/share/klettres/{language}/sounds.xml"), $"""
                <klettres><language>
                  <alphabet><sound name="A" file="{language}/alpha/0.flac"/><sound name="b " file="{language}/alpha/1.flac"/><sound name="Æ" file="{language}/alpha/ae.flac"/></alphabet>
                  <syllables><sound name="C" file="{language}/syllab/ba.flac"/></syllables>
                </language></klettres>
                """);
        }
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("letters-cross-speaker"));
        Assert.Equal(["a", "b"], task.Clips.Select(clip => clip.Label).Distinct().Order());
        Assert.Equal(10, task.Clips.Count);
        Assert.Equal(["klettres-data/de", "klettres-data/it"], Groups(task, test: true));
        Assert.All(task.Clips, clip => Assert.Equal(clip.Label == "a", clip.FileName.EndsWith("alpha-0.flac", StringComparison.Ordinal)));
        AssertSplit(task);
    }

    [Fact]
    public void ATableOfLettersThatIsNoXmlIsNamed()
    {
        using FakePackages fake = new();
        AddWords(fake);
        File.WriteAllText(fake.PathOf("klettres-data", "usr/share/klettres/ru/sounds.xml"), "<klettres>");
        Assert.Contains("sounds.xml", Assert.Throws<UserErrorException>(() => fake.Library().Provide(new SpokenWords())).Message);
    }

    [Fact]
    public void PercussionIsTestedInASoundFontNotHeard()
    {
        using FakePackages fake = new();
        FakeSource[] fonts = [Provided(fake, Struck("timgm6mb-soundfont", 0)), Provided(fake, Struck("fluid-soundfont-gm", 100))];
        AssembledTask task = Assembler(fake).Assemble(KnownTasks.Find("percussion") with { Sources = fonts });
        AssertSplit(task);
        Assert.Equal(["fluid-soundfont-gm/jazz", "fluid-soundfont-gm/room"], Groups(task, test: true));

        static FakeSource Struck(string package, int first) =>
            new(package, [.. Enumerable.Range(0, 8).Select(i => FakeSource.Clip(first + i, package, ("instrument", i % 2 == 0 ? "claves" : "cabasa"), ("kit", i < 4 ? "jazz" : "room")))]);
    }

    /// <summary>Two languages of the task and Belarusian as stamps, other voices of the two elsewhere.</summary>
    internal static void AddWords(FakePackages fake)
    {
        foreach (string language in new[] { "be", "fr", "ru" })
        {
            fake.AddSound("tuxpaint-stamps-default", $"usr/share/tuxpaint/stamps/animals/dog_desc_{language}.flac");
            fake.AddSound("tuxpaint-stamps-default", $"usr/share/tuxpaint/stamps/food/pear_desc_{language}.flac");
        }
        fake.AddSound("tuxpaint-stamps-default", "usr/share/tuxpaint/stamps/animals/dog.flac");
        fake.AddSound("ktuberling-data", "usr/share/ktuberling/sounds/fr/nez.flac");
        fake.AddSound("ktuberling-data", "usr/share/ktuberling/sounds/lt/nosis.flac");
        fake.AddSound("klettres-data", "usr/share/klettres/ru/alpha/a-1.flac");
    }

    /// <summary>No group and no content on both sides.</summary>
    private static void AssertSplit(AssembledTask task)
    {
        Assert.Contains(task.Clips, clip => clip.IsTest);
        Assert.Contains(task.Clips, clip => !clip.IsTest);
        Assert.Empty(Groups(task, test: true).Intersect(Groups(task, test: false)));
        Assert.Equal(task.Clips.Count, task.Clips.Select(clip => clip.Origin.Sha256).Distinct().Count());
    }

    private static string[] Groups(AssembledTask task, bool test) => [.. task.Clips.Where(clip => clip.IsTest == test).Select(clip => clip.Group).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Sees to it that the source's packages are in the cache.</summary>
    private static FakeSource Provided(FakePackages fake, FakeSource source)
    {
        foreach (string package in source.Packages)
            fake.PathOf(package, "usr/share/doc/copyright");
        return source;
    }

    private static TaskAssembler Assembler(FakePackages fake) => new(Path.Combine(fake.Root, "library"), fake.Packages, progress: null);
}

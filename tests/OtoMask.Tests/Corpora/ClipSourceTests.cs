using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

public class ClipSourceTests
{
    [Theory]
    [InlineData("ㄊㄢ3", "t", "an", "3")]
    [InlineData("ㄓ", "zh", "", "1")]
    [InlineData("ㄓㄨㄤ4", "zh", "uang", "4")]
    [InlineData("ㄩㄢ2", "", "yuan", "2")]
    [InlineData("ㄉㄜ1", "d", "e", "neutral")]
    public void BopomofoIsRead(string folder, string initial, string final, string tone) =>
        Assert.Equal((initial, final, tone), MandarinSyllables.Parse(folder));

    [Fact]
    public void FoldersThatAreNoSyllablesAreNamed() =>
        Assert.Contains("hello", Assert.Throws<UserErrorException>(() => MandarinSyllables.Parse("hello")).Message);

    [Theory]
    [InlineData("GMRockKit/Kick-Hard.wav", "kick")]
    [InlineData("GMRockKit/SnareRimshot-Med.wav", "rim")]
    [InlineData("GMRockKit/Snare-Soft.wav", "snare")]
    [InlineData("GMRockKit/HatSemiOpen-Soft.wav", "open-hat")]
    [InlineData("GMRockKit/24Ride-3.wav", "ride")]
    [InlineData("GMRockKit/TomFloor-Hard.wav", "tom")]
    [InlineData("TR808EmulationKit/808_Hat_Pedal.flac", "closed-hat")]
    [InlineData("TR808EmulationKit/808_Cymbal.flac", "crash")]
    [InlineData("TR808EmulationKit/808_Clave.flac", null)]
    [InlineData("drums/bassdrum_acoustic01.ogg", "kick")]
    [InlineData("drums/hihat_opened01.ogg", "open-hat")]
    [InlineData("drums/hihat_foot_pedal01.ogg", "closed-hat")]
    [InlineData("drums/snare_rim01.ogg", "rim")]
    [InlineData("drums/clap01.ogg", null)]
    [InlineData("samples/bd_haus.flac", "kick")]
    [InlineData("samples/sn_dub.flac", "snare")]
    [InlineData("samples/drum_cymbal_closed.flac", "closed-hat")]
    [InlineData("samples/drum_bass_soft.flac", "kick")]
    [InlineData("samples/tabla_ghe1.flac", "hand-drum")]
    [InlineData("samples/loop_tabla.flac", null)]
    [InlineData("samples/bass_hit_c.flac", null)]
    [InlineData("kit/Closed HH", "closed-hat")]
    [InlineData("kit/Hi-Hat Semiopen (Paiste Alpha Metal edge 14)", "open-hat")]
    [InlineData("kit/VariBreaks Hat 1 Op", "open-hat")]
    [InlineData("kit/Hi Hat Opened", "open-hat")]
    [InlineData("kit/Hi Hat Free", null)]
    [InlineData("kit/c3 - bass drum 1", "kick")]
    [InlineData("kit/Floor Tom", "tom")]
    [InlineData("kit/Crash-Ride Bow", null)]
    [InlineData("kit/Ride Bell", "ride")]
    [InlineData("kit/Kenkeni1 Bell Mute", "bell")]
    [InlineData("kit/Kenkeni1 Head Mute", "hand-drum")]
    [InlineData("kit/Snare Roll", null)]
    [InlineData("kit/17", null)]
    public void TheNameOfADrumSampleTellsItsKind(string path, string? kind) => Assert.Equal(kind, DrumKinds.Of(Path.GetFileNameWithoutExtension(path)));

    [Theory]
    [InlineData("TM_08.aiff", "tom", "Tom", "Floor Tom")]            // the instruments agree
    [InlineData("ft_01.flac", null, "Tom Low", "Snare Rock")]        // they do not
    [InlineData("86335__zgump__tom-0105.wav", null, "Kick")]         // the file's name says otherwise
    [InlineData("beats_01-10.flac", null, "Sample: beats_01-10.flac")]
    [InlineData("unused.flac", null)]
    public void ADrumSampleIsWhatItsInstrumentsAgreeOn(string file, string? kind, params string[] instruments) =>
        Assert.Equal(kind, DrumKits.KindOf(file, instruments));

    [Theory]
    [InlineData("<drumkit_info><instrumentList><instrument><name>Bass Drum</name><layer><filename>a.flac</filename></layer></instrument></instrumentList></drumkit_info>")]
    [InlineData("<drumkit_info xmlns='http://www.hydrogen-music.org/drumkit'><instrument><name>Kick 2</name><filename>a.flac</filename></instrument></drumkit_info>")]
    public void AKitIsReadFromOldAndNewFiles(string xml)
    {
        using FakePackages fake = new();
        fake.AddSound("hydrogen-drumkits", "usr/share/hydrogen/data/drumkits/BJA_Pacific/a.flac");
        File.WriteAllText(fake.PathOf("hydrogen-drumkits", "usr/share/hydrogen/data/drumkits/BJA_Pacific/drumkit.xml"), xml);
        ManifestClip clip = Assert.Single(fake.Library().Provide(new DrumKits()));
        Assert.Equal(("kick", "BJA_Pacific", "CC-BY-SA-3.0-US"), (clip.Tags["kind"], clip.Tags["kit"], clip.Licence));
    }

    [Fact]
    public void AKitThatIsNoXmlIsNamed()
    {
        using FakePackages fake = new();
        File.WriteAllText(fake.PathOf("hydrogen-drumkits", "usr/share/hydrogen/data/drumkits/BJA_Pacific/drumkit.xml"), "<drumkit_info>");
        Assert.Contains("drumkit.xml", Assert.Throws<UserErrorException>(() => fake.Library().Provide(new DrumKits())).Message);
    }

    [Theory]
    [InlineData("animals-birds-crow_desc_fr", "fr", "animals-birds-crow")]
    [InlineData("symbols-math-7_en_GB", "en_GB", "symbols-math-7")]
    [InlineData("food-yam_desc_pt_BR", "pt_BR", "food-yam")]
    [InlineData("town-flag_desc", "en", "town-flag")]
    [InlineData("animals-lion", "", "animals-lion")]
    [InlineData("animals-sea_lion", "", "animals-sea_lion")]
    public void TheNameOfAStampTellsItsLanguage(string name, string language, string word) => Assert.Equal((language, word), SpokenWords.ParseStamp(name));

    [Fact]
    public void EveryProgramPlaysSixteenPitchesAndEveryPitchComesAboutEquallyOften()
    {
        using FakePackages fake = new();
        File.WriteAllText(fake.PathOf("timgm6mb-soundfont", "usr/share/sounds/sf2/TimGM6mb.sf2"), "");
        SoundfontNotes source = SoundfontNotes.TimGm6mb;
        SourceClip[] clips = [.. source.Open(fake.Packages.Provide(source.Packages), RenderBeeps).SelectMany(recording => recording())];

        Assert.Equal(128 * 16, clips.Length);
        Assert.Equal(clips.Length, clips.Select(clip => clip.Name).Distinct().Count());
        Assert.All(clips.GroupBy(clip => clip.Tags["program"]), program => Assert.Equal(16, program.Select(clip => clip.Tags["pitch"]).Distinct().Count()));
        int[] perPitch = [.. clips.CountBy(clip => clip.Tags["pitch"]).Select(pitch => pitch.Value)];
        Assert.Equal(61, perPitch.Length);
        Assert.InRange(perPitch.Max() - perPitch.Min(), 0, 1);
        Assert.Equal(16, clips.Select(clip => clip.Tags["family"]).Distinct().Count());
        // Each slice holds its own note: the fake renders a note as the constant pitch/128.
        Assert.All(clips, clip => Assert.Equal(int.Parse(clip.Tags["pitch"]), 128 * clip.Samples[ClipLibrary.SampleRate / 10], 0.01));
    }

    [Fact]
    public void EveryInstrumentOfTheKitsIsStruckSoftlyAndLoudly()
    {
        using FakePackages fake = new();
        File.WriteAllText(fake.PathOf("fluid-soundfont-gm", "usr/share/sounds/sf2/FluidR3_GM.sf2"), "");
        SoundfontPercussion source = SoundfontPercussion.FluidR3;
        SourceClip[] clips = [.. source.Open(fake.Packages.Provide(source.Packages), RenderBeeps).SelectMany(recording => recording())];

        Assert.Equal(7 * 47 * 2, clips.Select(clip => clip.Name).Distinct().Count());
        Assert.Equal(47, clips.Select(clip => clip.Tags["instrument"]).Distinct().Count());
        Assert.Equal(56 / 128f, clips.First(clip => clip.Tags["instrument"] == "cowbell").Samples[10]);           // keys of the General MIDI map
        Assert.Equal(81 / 128f, clips.Last(clip => clip.Tags["instrument"] == "open-triangle").Samples[^1600]);
    }

    [Theory]
    [InlineData("b2", '2')]
    [InlineData("s9", '9')]
    [InlineData("c0", null)]
    [InlineData("db", null)]
    [InlineData("chow", null)]
    public void ATileTellsItsNumber(string call, char? number) => Assert.Equal(number, TileVoices.NumberOf(call));

    /// <summary>Every note sounds as a constant of its key / 128 from its start on, until all sound is off.</summary>
    private static float[] RenderBeeps(string soundfontPath, IReadOnlyList<MidiEvent> events)
    {
        float[] samples = new float[(int)Math.Round((events[^1].Seconds + 0.1) * ClipLibrary.SampleRate)];
        foreach (MidiEvent note in events.Where(item => (item.Status & 0xF0) == 0x90))
        {
            double end = events.First(item => (item.Status & 0xF0) == 0xB0 && item.Seconds > note.Seconds).Seconds;
            samples.AsSpan((int)Math.Round(note.Seconds * ClipLibrary.SampleRate)..(int)Math.Round(end * ClipLibrary.SampleRate)).Fill(note.Data1 / 128f);
        }
        return samples;
    }
}

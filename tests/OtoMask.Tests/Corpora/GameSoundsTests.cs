using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

/// <summary>What the task on the noises of games calls its clips and keeps apart.</summary>
public class GameSoundsTests
{
    [Theory]
    [InlineData("vehicle-explosion2", "explosion")]        // of a vehicle, not its engine
    [InlineData("exploBig", "explosion")]
    [InlineData("cboom", "explosion")]
    [InlineData("bombing_rocket_02_laser_cannon", "laser")]
    [InlineData("battle_mg1", "gunshot")]
    [InlineData("LrgCan", "gunshot")]
    [InlineData("FootStepGrass1", "footstep")]
    [InlineData("NYX_STEP_SNOW2", "footstep")]
    [InlineData("battle_air_01_hawk_scream", "animal")]    // no human scream
    [InlineData("birdchirp6", "animal")]
    [InlineData("f16_1", "engine")]
    [InlineData("hh65-engine_start", "engine")]
    [InlineData("dropinwater", "water")]
    [InlineData("PYR_PAIN7", "voice")]
    [InlineData("crate-hit3", "impact")]
    [InlineData("NYX_LAND2", "impact")]
    [InlineData("taking-item-4", "pickup")]
    [InlineData("rmoney", "pickup")]
    public void ANameTellsTheKind(string name, string kind) => Assert.Equal(kind, GameEventKinds.Of(name));

    [Theory]
    [InlineData("default_water_footstep.1")]               // a step and a splash
    [InlineData("bombing_rocket_01_rockets_launched_then_explosion")]
    [InlineData("battle_land_01_swords_and_cannons")]
    [InlineData("battle_sea_normal_01_drums_with_waves")]
    [InlineData("HorseGallop")]                            // hooves
    [InlineData("RabbitPain")]
    [InlineData("helicopter_wheel_screech")]
    [InlineData("bonus_magnet")]
    [InlineData("hit")]                                    // of whom, with what?
    [InlineData("die")]
    [InlineData("territory_capture_land_02_drums")]        // lands as in countries
    [InlineData("gameover")]
    [InlineData("sound042")]
    public void AnAmbiguousNameTellsNone(string name) => Assert.Null(GameEventKinds.Of(name));

    [Fact]
    public void TheNameOfAKindTellsThatKindAndNoOther()
    {
        Assert.Equal(10, GameEventKinds.All.Distinct().Count());
        // Two kinds are no words that files are named by.
        string[] words = [.. GameEventKinds.All.Select(kind => kind switch { "animal" => "dog", "voice" => "scream", "gunshot" => "gun", "impact" => "thud", _ => kind })];
        Assert.Equal(GameEventKinds.All, words.Select(GameEventKinds.Of));
    }

    [Fact]
    public void NoMakerIsOnBothSidesAndNoKindIsOnePackages()
    {
        using FakePackages fake = new();
        foreach ((int number, (string package, string folder, _, _)) in GameSounds.Collections.Index())   // a package may stand there twice
        {
            fake.AddSound(package, $"usr/share/{folder}/explosion{number}.wav");
            fake.AddSound(package, $"usr/share/{folder}/splash{number}.wav");
            fake.AddSound(package, $"usr/share/{folder}/theme.wav");                      // nothing of the kinds
        }
        foreach (int number in Enumerable.Range(1, 50))
            fake.AddSound("lugaru-data", $"usr/share/games/lugaru/Sounds/Bark{number}.wav");
        fake.AddSound("overgod-data", "usr/share/games/overgod/wavs/beat/boom.wav");      // a note
        fake.AddSound("wing-data", "usr/share/games/wing/sound/dog.wav", seconds: 0.03);   // too short
        fake.AddSound("wing-data", "usr/share/games/wing/sound/laser.wav", seconds: 8);
        fake.AddSound("gltron", "usr/share/games/gltron/data/game_engine.ogg");
        fake.AddSound("gltron", "usr/share/games/gltron/data/game_engine.wav");           // the same in another format
        AssembledTask task = new TaskAssembler(Path.Combine(fake.Root, "library"), fake.Packages, progress: null).Assemble(KnownTasks.Find("game-sounds"));

        Assert.Equal(["explosion", "water"], task.Clips.Select(clip => clip.Label).Distinct().Order());   // the others are on one side
        Assert.Equal(2 * GameSounds.Collections.Count, task.Clips.Count);
        Assert.Empty(Makers(test: true).Intersect(Makers(test: false)));
        Assert.Single(task.Clips.Where(clip => clip.Origin.Package is "geki2" or "geki3" or "mirrormagic-data" or "rockdodger").Select(clip => clip.Group).Distinct());
        IReadOnlyList<ManifestClip> all = fake.Library().Provide(new GameSounds());
        Assert.Equal(20, all.Count(clip => clip.Tags["kind"] == "animal"));
        Assert.Equal(5, Assert.Single(all, clip => clip.Tags["kind"] == "laser").Seconds, 0.01);
        Assert.Single(all, clip => clip.Tags["kind"] == "engine");

        IEnumerable<string> Makers(bool test) => task.Clips.Where(clip => clip.IsTest == test).Select(clip => clip.Origin.Tags["maker"]);
    }

    [Fact]
    public void NoOtherSourceHoldsAudioOfTheGamesThatAreTestedOn()
    {
        // A pool leaves out what has the samples of a test clip: of the same file, cut otherwise, it would not.
        HashSet<string> others = [.. new PoolRecipe(KnownTasks.All, PoolBreadth.LongClips).Sources.Where(source => source is not GameSounds).SelectMany(source => source.Packages)];
        Assert.Empty(others.Intersect(new GameSounds().Packages));
    }
}

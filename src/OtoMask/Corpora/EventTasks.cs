namespace OtoMask.Corpora;

/// <summary>Tasks on single sounds that are neither speech nor melody: drums, other percussion, the noises of games.</summary>
internal static class EventTasks
{
    // Drawn once by GroupedSplit and then written down: a label mended or a kit more must not draw the test set anew.
    private static readonly string[] TestMakers = ["Audiophob", "Forzee", "Millo", "Rumpf", "sonic-pi-samples"];

    // Drawn and written down likewise, with a test share of 0.4: fewer clips would leave kinds with ten.
    private static readonly string[] TestMakersOfGames =
    [
        "GNOME", "Henzell", "LGames", "TLK", "alienblaster", "chromium-bsu", "epiphany", "gl-117", "gnujump", "hannah", "heroes", "lugaru", "minetest", "netpanzer",
        "pinball", "scratch", "searchandrescue", "triplea", "tron",
    ];

    private static readonly DrumHits Hits = new();

    /// <summary>Ten kinds of hits; no maker of kits on both sides.</summary>
    public static readonly TaskRecipe Drums = new([Hits, new DrumKits()], Kind, Maker)
    {
        Name = "drums",
        Family = "events",
        Summary = "10 kinds of drum hits (hydrogen-drumkits, hydrogen-data, lmms-common, sonic-pi-samples, timgm6mb-soundfont); test: kits of makers not heard in training",
        Known = (10, 939),
        Caution = "The test hits are of five makers' kits: one of them moves the score.",
        IsTest = clip => TestMakers.Contains(Maker(clip)),
    };

    /// <summary>The same kinds from less audio; no drum on both sides, whatever the loudness it was struck with.</summary>
    public static readonly TaskRecipe DrumsSmall = new([Hits], Kind, group: clip => clip.Tags["source"])
    {
        Name = "drums-small",
        Family = "events",
        Summary = "10 kinds of drum hits (hydrogen-data, lmms-common, sonic-pi-samples, timgm6mb-soundfont); test: drums not heard in training, kits on both sides",
        Known = (10, 493),
        Caution = "Easier than drums, whose kits are apart. Unlabelled audio made for the benchmark may hold its test clips.",
    };

    /// <summary>47 instruments; no sound font on both sides.</summary>
    public static readonly TaskRecipe Percussion = new(
        [SoundfontPercussion.TimGm6mb, SoundfontPercussion.FluidR3],
        label: clip => clip.Tags["instrument"],
        group: clip => $"{clip.Package}/{clip.Tags["kit"]}")
    {
        Name = "percussion",
        Family = "events",
        Summary = "47 percussion instruments, from drums to whistles; train: timgm6mb-soundfont, test: fluid-soundfont-gm",
        Known = (47, 570),
        Caution = "Neighbours such as the two bongos differ by little more than their pitch, which each sound font sets as it likes.",
        IsTest = clip => clip.Package == SoundFont.FluidR3.Package,
    };

    /// <summary>Ten kinds of sound effects; no maker of games on both sides.</summary>
    public static readonly TaskRecipe GameSounds = new([new GameSounds()], Kind, group: clip => clip.Tags["maker"])
    {
        Name = "game-sounds",
        Family = "events",
        Summary = "10 kinds of sound effects of games (68 packages, 45 makers); test: games of makers not heard in training",
        Known = (10, 484),
        Caution = "Labels are read off file names, nobody listened. Of some kinds half the test clips are one maker's; small games synthesise many effects.",
        IsTest = clip => TestMakersOfGames.Contains(clip.Tags["maker"]),
    };

    /// <summary>The sound font's seven kits borrow from each other and are one.</summary>
    private static string Maker(ManifestClip clip) => DrumKits.MakerOf(clip.Tags["kit"].Split('/')[0]);

    private static string? Kind(ManifestClip clip) => clip.Tags["kind"] is { Length: > 0 } kind ? kind : null;
}

using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// Sound effects of games and of programs for children, one kind of event a clip; at most 5 s of each. What is heard, the name of the file says
/// (<see cref="GameEventKinds"/>); files whose names say nothing are left out.
/// </summary>
/// <remarks>Tags: <c>kind</c> and <c>maker</c> (packages that may share recordings have one maker).</remarks>
internal sealed class GameSounds : IClipSource
{
    private const double MaxSeconds = 5, ShortestSeconds = 0.05;

    // So that no kind is one package's: of more, every n-th by name.
    private const int MostOfAKind = 20;

    /// <summary>
    /// Where the sounds lie, below <c>usr/share</c>, and under which licence by the package's copyright file. One maker are those of one author or project, a game
    /// engine and its mods, and who borrows: bambam and Gamine from Tux Paint (NewBreed), Monsterz from Barrage (LGames), the Gekis from Rock Dodger and Mirror Magic.
    /// </summary>
    internal static IReadOnlyList<(string Package, string Folder, string Licence, string Maker)> Collections { get; } =
    [
        ("a7xpg-data", "games/a7xpg/sounds", "BSD-2-Clause", "ABA"),
        ("abe-data", "games/abe/sounds", "GPL-2+", "abe"),
        ("alienblaster-data", "games/alienblaster/sound", "GPL-2+", "alienblaster"),
        ("amphetamine-data", "games/amphetamine/sounds", "GPL-2+", "amphetamine"),
        ("ardentryst", "games/ardentryst/Sounds", "CC-BY-SA-3.0", "ardentryst"),
        ("armagetronad", "games/armagetronad/sound", "GPL-2+", "tron"),
        ("bambam", "bambam/data", "GPL-2+", "NewBreed"),
        ("barrage", "barrage/sounds", "GPL-2+", "LGames"),
        ("brainparty-data", "games/brainparty", "GPL-3+", "brainparty"),
        ("briquolo-data", "games/briquolo/data", "GPL-2+", "briquolo"),
        ("btanks-data", "games/btanks/data/sounds", "GPL with exception", "btanks"),
        ("bugsquish", "games/bugsquish/sounds", "GPL-2", "NewBreed"),
        ("bzflag-data", "games/bzflag", "LGPL-2.1 or MPL", "bzflag"),
        ("caveexpress-data", "games/caveexpress/sounds", "CC-BY-SA-4.0", "caveexpress"),
        ("ceferino-data", "games/ceferino/sounds", "GPL-2+", "ceferino"),
        ("chromium-bsu-data", "games/chromium-bsu/wav", "Expat", "chromium-bsu"),
        ("circuslinux-data", "games/circuslinux/data/sounds", "GPL", "NewBreed"),
        ("epiphany-data", "epiphany/sfx", "GPL-2", "epiphany"),
        ("excellent-bifurcation", "games/excellent-bifurcation/wavs", "GPL-2+", "Henzell"),
        ("freeciv-data", "games/freeciv/stdsounds", "GPL-2+", "freeciv"),
        ("freegish-data", "games/freegish/sound", "CC-BY-SA-3.0", "freegish"),
        ("gamine-data", "games/gamine/sounds", "GPL-2+", "NewBreed"),
        ("garden-of-coloured-lights-data", "garden/wavs", "GPL-3+", "Henzell"),
        ("geki2", "games/geki2/wav", "GPL-2+", "geki"),
        ("geki3", "games/geki3/wav", "GPL-2+", "geki"),
        ("gl-117-data", "games/gl-117/sounds", "GPL-2", "gl-117"),
        ("gltron", "games/gltron/data", "GPL-2+", "tron"),
        ("gnome-nibbles", "gnome-nibbles/sounds", "GPL-3+", "GNOME"),
        ("gnujump-data", "games/gnujump/sound", "GPL-3+", "gnujump"),
        ("granatier", "granatier/sounds", "GPL-2+", "KDE"),
        ("hannah-data", "games/hannah/sounds", "GPL-2", "hannah"),
        ("heroes-sound-effects", "games/heroes/sfx", "GPL-2+", "heroes"),
        ("kapman", "sounds/kapman", "GPL-2+", "KDE"),
        ("kgoldrunner", "kgoldrunner/themes/default", "GPL-2+", "KDE"),
        ("kolf", "kolf/sounds", "GPL-2+", "KDE"),
        ("ksirk", "ksirk/skins/default/Sounds", "GPL-2+", "KDE"),
        ("lbreakout2-data", "games/lbreakout2", "GPL", "LGames"),
        ("ltris", "games/ltris/sounds", "GPL", "LGames"),
        ("lugaru-data", "games/lugaru/Sounds", "CC-BY-SA-3.0", "lugaru"),
        ("madbomber-data", "games/madbomber/sounds", "GPL-2", "NewBreed"),
        ("minetest-data", "games/minetest/games/minetest_game/mods", "CC-BY-SA-3.0", "minetest"),
        ("minetest-mod-homedecor", "games/minetest/mods/homedecor", "CC-BY-SA-4.0", "minetest"),
        ("minetest-mod-unified-inventory", "games/minetest/mods/unified_inventory/sounds", "LGPL-2.1+", "minetest"),
        ("mirrormagic-data", "games/mirrormagic/sounds", "GPL-2", "geki"),
        ("monsterz-data", "games/monsterz/sound", "GPL", "LGames"),
        ("moon-lander-data", "games/moon-lander/sounds", "BSD-2-Clause", "moon-lander"),
        ("netpanzer-data", "games/netpanzer/sound", "GPL-2+", "netpanzer"),
        ("njam-data", "games/njam/data", "GPL-2+", "njam"),
        ("overgod-data", "games/overgod/wavs", "GPL-2+", "Henzell"),
        ("parsec47-data", "games/parsec47/sounds", "BSD-2-Clause", "ABA"),
        ("pinball-data", "games/pinball", "GPL-2", "pinball"),
        ("powermanga-data", "games/powermanga/sounds", "GPL-3+", "TLK"),
        ("rockdodger", "rockdodger", "GPL-2+", "geki"),
        ("scorched3d-data", "games/scorched3d/data/globalmods/apoc/data/wav", "CC-BY-SA-3.0", "scorched3d"),
        ("scorched3d-data", "games/scorched3d/data/globalmods/none/data/wav", "GPL-2+", "scorched3d"),
        ("scratch", "scratch/Media/Sounds", "CC-BY-SA-3.0", "scratch"),
        ("searchandrescue-data", "games/searchandrescue/sounds", "GPL", "searchandrescue"),
        ("simutrans-pak64", "games/simutrans/pak/sound", "Artistic-1.0", "simutrans"),
        ("spacezero", "spacezero/sounds", "GPL-3+", "spacezero"),
        ("starfighter-data", "starfighter/sound", "GPL-2+", "starfighter"),
        ("stormbaancoureur-data", "games/stormbaancoureur/sounds", "GPL-3", "stormbaancoureur"),
        ("supertransball2-data", "games/supertransball2/sound", "GPL-2+", "supertransball2"),
        ("tecnoballz-data", "games/tecnoballz/sounds", "GPL-3+", "TLK"),
        ("titanion-data", "games/titanion/sounds/chunks", "BSD-2-Clause", "ABA"),
        ("triplea", "games/triplea/assets/sounds", "GPL-2+", "triplea"),
        ("trophy-data", "games/trophy/sounds", "GPL-2", "trophy"),
        ("tworld-data", "games/tworld/res", "GPL-2+", "tworld"),
        ("val-and-rick-data", "games/val-and-rick/sounds/chunks", "BSD-2-Clause", "ABA"),
        ("vectoroids", "games/vectoroids/sounds", "GPL", "NewBreed"),
        ("wing-data", "games/wing/sound", "GPL", "wing"),
    ];

    public string Name => "game-sounds-v1";

    public IReadOnlyList<string> Packages => [.. Collections.Select(collection => collection.Package).Distinct()];

    // One game or another leaves Debian with every release.
    public IReadOnlyList<string> Dispensable { get; } =
        ["lbreakout2-data", "minetest-data", "minetest-mod-homedecor", "minetest-mod-unified-inventory", "scratch", "spacezero", "triplea", "tworld-data"];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes => 17;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render) =>
    [
        .. from collection in Collections
           let folder = packages[collection.Package].Find("usr/share/" + collection.Folder)
           from kind in Effects(folder).GroupBy(path => GameEventKinds.Of(Path.GetFileNameWithoutExtension(path)))
           where kind.Key is not null
           from path in Spread([.. kind])
           select (Recording)(() => Read(path, $"{collection.Package}-{AudioFolder.ClipName(folder, path)}", kind.Key, collection)),
    ];

    /// <summary>
    /// A folder's sounds, each once where it lies there in two formats. Overgod and Excellent Bifurcation keep the notes of their music beside them,
    /// under names such as <c>boom</c>.
    /// </summary>
    private static IEnumerable<string> Effects(string folder) => AudioFolder.Files(folder)
        .Where(path => Path.GetFileName(Path.GetDirectoryName(path)) is not ("ambi" or "beat"))
        .DistinctBy(path => Path.ChangeExtension(path, null));

    private static IEnumerable<string> Spread(string[] paths)
    {
        int count = Math.Min(paths.Length, MostOfAKind);
        return Enumerable.Range(0, count).Select(i => paths[i * paths.Length / count]);
    }

    private static IReadOnlyList<SourceClip> Read(string path, string name, string kind, (string Package, string Folder, string Licence, string Maker) collection)
    {
        float[] samples = AudioSlice.Trim(AudioFile.ReadMono(path, ClipLibrary.SampleRate), MaxSeconds);
        return samples.Length < ShortestSeconds * ClipLibrary.SampleRate
            ? []
            : [new SourceClip(name, samples, collection.Package, collection.Licence, new Dictionary<string, string> { ["kind"] = kind, ["maker"] = collection.Maker })];
    }
}

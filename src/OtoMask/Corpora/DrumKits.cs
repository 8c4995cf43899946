using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// The fourteen recorded and electronic drum kits of <c>hydrogen-drumkits</c>; at most 2 s a hit. What a recording is a hit of, the instrument in the kit's
/// <c>drumkit.xml</c> says that plays it.
/// </summary>
/// <remarks>Tags: <c>kind</c> (empty where the instrument's name tells none, or the file's name another one) and <c>kit</c>.</remarks>
internal sealed class DrumKits : IClipSource
{
    private const double MaxSeconds = 2.0;
    private const string Package = "hydrogen-drumkits";

    // Licences as the package's copyright file has them. Kits of one maker share recordings: most of GMRockKit is The Black Pearl.
    private static readonly Dictionary<string, (string Maker, string Licence)> Kits = new()
    {
        ["Audiophob"] = ("Audiophob", "CC0"),
        ["BJA_Pacific"] = ("BJA_Pacific", "CC-BY-SA-3.0-US"),
        ["ColomboAcousticDrumkit"] = ("Colombo", "GPL-2+ with composition exception"),
        ["ElectricEmpireKit"] = ("Artemio", "GPL-2+"),
        ["ForzeeStereo"] = ("Forzee", "GPL-2"),
        ["Gimme A Hand 1.0"] = ("MacArthur", "GPL-2"),
        ["HardElectro1"] = ("Artemio", "GPL-2+"),
        ["Millo-Drums_v.1"] = ("Millo", "GPL-2"),
        ["Millo_MultiLayered2"] = ("Millo", "GPL-2"),
        ["Millo_MultiLayered3"] = ("Millo", "GPL-2"),
        ["The Black Pearl 1.0"] = ("MacArthur", "GPL-2"),
        ["VariBreaks"] = ("Artemio", "GPL-2+"),
        ["circAfrique v4"] = ("circAfrique", "CC-BY-SA-3.0"),
        ["rumpf_kit_z01_h2"] = ("Rumpf", "CC-BY-3.0"),
        ["GMRockKit"] = ("MacArthur", "GPL-2+"),           // these two are in hydrogen-data
        ["TR808EmulationKit"] = ("Artemio", "GPL-2+"),
    };

    public string Name => "drum-kits-v1";

    public IReadOnlyList<string> Packages => [Package];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes => 12;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        string root = packages[Package].Find("usr/share/hydrogen/data/drumkits");
        return [.. Directory.GetDirectories(root).Order(StringComparer.Ordinal).SelectMany(kit => OpenKit(root, kit))];
    }

    private static IEnumerable<Recording> OpenKit(string root, string folder)
    {
        ILookup<string, string> instrumentsOf = ReadInstruments(Path.Combine(folder, "drumkit.xml"));
        string kit = Path.GetFileName(folder);
        return AudioFolder.Files(folder).Select(path => (Recording)(() =>
        [
            new SourceClip(
                AudioFolder.ClipName(root, path),
                AudioSlice.Trim(AudioFile.ReadMono(path, ClipLibrary.SampleRate), MaxSeconds),
                Package,
                Kits.TryGetValue(kit, out var known) ? known.Licence : "see the package's copyright file",
                new Dictionary<string, string> { ["kind"] = KindOf(path, instrumentsOf[Path.GetFileName(path)]) ?? "", ["kit"] = kit }),
        ]));
    }

    /// <summary>Whose kit it is: kits of one maker share recordings. A kit not known here is its own maker's.</summary>
    public static string MakerOf(string kit) => Kits.TryGetValue(kit, out (string Maker, string Licence) known) ? known.Maker : kit;

    /// <summary>The kind on which the instruments that play a file agree, and its own name where that tells one; else null.</summary>
    internal static string? KindOf(string path, IEnumerable<string> instruments)
    {
        string?[] kinds = [.. instruments.Select(DrumKinds.Of).Distinct()];
        string? byFile = DrumKinds.Of(Path.GetFileNameWithoutExtension(path));
        return kinds is [string kind] && (byFile ?? kind) == kind ? kind : null;
    }

    /// <summary>The names of the instruments that play a file, by its name.</summary>
    private static ILookup<string, string> ReadInstruments(string path) =>
        // Newer kits have a namespace, older ones none; files are named in layers or, older still, in the instrument itself.
        PackagedXml.Read(path, kit => kit.Descendants()
            .Where(element => element.Name.LocalName == "instrument")
            .SelectMany(instrument => instrument.Descendants().Where(element => element.Name.LocalName == "filename").Select(file => (
                File: Path.GetFileName(file.Value),
                Instrument: instrument.Elements().FirstOrDefault(element => element.Name.LocalName == "name")?.Value ?? "")))
            .ToLookup(item => item.File, item => item.Instrument));
}

using System.Globalization;
using System.Text.RegularExpressions;
using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// Single drum hits: recorded kits of <c>hydrogen-data</c>, <c>lmms-common</c> and <c>sonic-pi-samples</c>, and the seven drum
/// kits of a General MIDI sound font; at most 2 s each. What a recording is a hit of, its file name says.
/// </summary>
/// <remarks>Tags: <c>kind</c>, <c>kit</c>, and <c>source</c>: hits that share their sound (the loudness layers of one drum; all renders
/// of one kind from the sound font, whose kits borrow samples from each other) have the same source.</remarks>
internal sealed partial class DrumHits : IClipSource
{
    private const double MaxSeconds = 2.0;

    private static readonly SoundFont Font = SoundFont.TimGm6mb;

    /// <summary>A package that Debian's testing was without in autumn 2026.</summary>
    internal const string Lmms = "lmms-common";

    // Folders of single hits, and the licence the package states.
    private static readonly IReadOnlyList<(string Package, string Folder, string Licence)> Kits =
    [
        ("hydrogen-data", "usr/share/hydrogen/data/drumkits/GMRockKit", "GPL-2+"),
        ("hydrogen-data", "usr/share/hydrogen/data/drumkits/TR808EmulationKit", "GPL-2+"),
        (Lmms, "usr/share/lmms/samples/drums", "GPL-2+"),
        ("sonic-pi-samples", "usr/share/sonic-pi/samples", "CC0"),
    ];

    public string Name => "drum-hits-v2";

    public IReadOnlyList<string> Packages => [.. Kits.Select(kit => kit.Package).Distinct(), Font.Package];

    public IReadOnlyList<string> Dispensable => [Lmms];

    public bool NeedsFluidsynth => true;

    public int ClipMegabytes => 7;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        ArgumentNullException.ThrowIfNull(render);
        string soundfont = Font.Find(packages);
        return
        [
            .. Kits.Where(kit => packages.ContainsKey(kit.Package)).SelectMany(kit => Directory.GetFiles(packages[kit.Package].Find(kit.Folder))
                .Where(path => AudioFile.HasAudioExtension(path) && KindOf(path) is not null)
                .Order(StringComparer.Ordinal)
                .Select(path => (Recording)(() => [Read(path, kit.Package, kit.Licence)]))),
            .. SoundfontPercussion.Kits.Select(kit => (Recording)(() => RenderKit(render, soundfont, kit.Program, kit.Name))),
        ];
    }

    /// <summary>Whether an unpacked file is one of these hits.</summary>
    internal static bool Includes(string path) => Kits.Any(kit => Path.GetDirectoryName(path)!.EndsWith(kit.Folder, StringComparison.Ordinal)) && KindOf(path) is not null;

    private static string? KindOf(string path) => DrumKinds.Of(Path.GetFileNameWithoutExtension(path));

    private static SourceClip Read(string path, string package, string licence)
    {
        string name = Path.GetFileNameWithoutExtension(path), kit = Path.GetFileName(Path.GetDirectoryName(path)!);
        if (kit is "drums" or "samples")
            kit = package;
        return new SourceClip(
            $"{kit}-{name}",
            AudioSlice.Trim(AudioFile.ReadMono(path, ClipLibrary.SampleRate), MaxSeconds),
            package,
            licence,
            Tags(KindOf(path)!, kit, $"{kit}/{LoudnessLayer().Replace(name, "")}"));
    }

    private static IReadOnlyList<SourceClip> RenderKit(NoteRenderer render, string soundfont, int program, string kit)
    {
        (int Key, string Kind, int Velocity)[] hits =
            [.. GeneralMidi.PercussionKeys.SelectMany(key => SoundfontPercussion.Velocities.Select(velocity => (key.Key, key.Value, velocity)))];
        IReadOnlyList<float[]> sounds = SoundfontPercussion.Strike(render, soundfont, program, [.. hits.Select(hit => (hit.Key, hit.Velocity))]);
        return [.. hits.Select((hit, i) => new SourceClip(
            string.Create(CultureInfo.InvariantCulture, $"{Font.Package}-{kit}-key{hit.Key}-velocity{hit.Velocity}"),
            sounds[i],
            Font.Package,
            Font.Licence,
            Tags(hit.Kind, $"{Font.Package}/{kit}", $"{Font.Package}/{hit.Kind}")))];
    }

    private static Dictionary<string, string> Tags(string kind, string kit, string source) => new() { ["kind"] = kind, ["kit"] = kit, ["source"] = source };

    [GeneratedRegex("[-_](softest|soft|med|hardest|hard|[0-9])$", RegexOptions.IgnoreCase)]
    private static partial Regex LoudnessLayer();
}

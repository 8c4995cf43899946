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
    private const string Soundfont = "timgm6mb-soundfont";

    // Folders of single hits, and the licence the package states.
    private static readonly IReadOnlyList<(string Package, string Folder, string Licence)> Kits =
    [
        ("hydrogen-data", "usr/share/hydrogen/data/drumkits/GMRockKit", "GPL"),
        ("hydrogen-data", "usr/share/hydrogen/data/drumkits/TR808EmulationKit", "GPL"),
        ("lmms-common", "usr/share/lmms/samples/drums", "GPL-2+"),
        ("sonic-pi-samples", "usr/share/sonic-pi/samples", "CC0"),
    ];

    // The first match decides, so the particular stands before the general: a "snare_rim" is a rim, an "808_Hat_Pedal" a closed hat.
    private static readonly (Regex Pattern, string Kind)[] KindOfName =
    [
        (OtherSound(), ""),
        (Rim(), "rim"),
        (OpenHat(), "open-hat"),
        (ClosedHat(), "closed-hat"),
        (Crash(), "crash"),
        (Ride(), "ride"),
        (Bell(), "bell"),
        (HandDrum(), "hand-drum"),
        (Tom(), "tom"),
        (Snare(), "snare"),
        (Kick(), "kick"),
    ];

    // Program numbers of the sound font's kits that follow the General MIDI key map (its orchestra kit does not).
    private static readonly (int Program, string Name)[] SoundfontKits =
        [(0, "standard"), (8, "room"), (16, "power"), (24, "electronic"), (25, "tr-808"), (32, "jazz"), (40, "brush")];

    private static readonly int[] Velocities = [70, 120];

    public string Name => "drum-hits-v1";

    public IReadOnlyList<string> Packages => [.. Kits.Select(kit => kit.Package).Distinct(), Soundfont];

    public bool NeedsFluidsynth => true;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        ArgumentNullException.ThrowIfNull(render);
        string soundfont = packages[Soundfont].Find("usr/share/sounds/sf2/TimGM6mb.sf2");
        return
        [
            .. Kits.SelectMany(kit => Directory.GetFiles(packages[kit.Package].Find(kit.Folder))
                .Where(path => AudioFile.HasAudioExtension(path) && KindOf(path) is not null)
                .Order(StringComparer.Ordinal)
                .Select(path => (Recording)(() => [Read(path, kit.Package, kit.Licence)]))),
            .. SoundfontKits.Select(kit => (Recording)(() => RenderKit(render, soundfont, kit.Program, kit.Name))),
        ];
    }

    /// <summary>Whether an unpacked file is one of these hits.</summary>
    internal static bool Includes(string path) => Kits.Any(kit => Path.GetDirectoryName(path)!.EndsWith(kit.Folder, StringComparison.Ordinal)) && KindOf(path) is not null;

    /// <summary>The kind of hit that a file is by its name; null for anything else (a loop, a clap, a bass note).</summary>
    internal static string? KindOf(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        string? kind = KindOfName.FirstOrDefault(entry => entry.Pattern.IsMatch(name)).Kind;
        return string.IsNullOrEmpty(kind) ? null : kind;
    }

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
        const double Spacing = MaxSeconds + 0.5;
        (int Key, string Kind, int Velocity)[] hits = [.. GeneralMidi.PercussionKeys.SelectMany(key => Velocities.Select(velocity => (key.Key, key.Value, velocity)))];
        List<MidiEvent> events = [MidiEvent.Program(0, GeneralMidi.PercussionChannel, program)];
        for (int i = 0; i < hits.Length; i++)
        {
            events.Add(MidiEvent.NoteOn(i * Spacing, GeneralMidi.PercussionChannel, hits[i].Key, hits[i].Velocity));
            events.Add(MidiEvent.AllSoundOff((i * Spacing) + MaxSeconds, GeneralMidi.PercussionChannel));
        }
        float[] samples = render(soundfont, events);
        return [.. hits.Select((hit, i) => new SourceClip(
            string.Create(CultureInfo.InvariantCulture, $"{Soundfont}-{kit}-key{hit.Key}-velocity{hit.Velocity}"),
            AudioSlice.Cut(samples, i * Spacing, MaxSeconds),
            Soundfont,
            "GPL-2",
            Tags(hit.Kind, $"{Soundfont}/{kit}", $"{Soundfont}/{hit.Kind}")))];
    }

    private static Dictionary<string, string> Tags(string kind, string kit, string source) => new() { ["kind"] = kind, ["kit"] = kit, ["source"] = source };

    [GeneratedRegex("^(loop|ambi|bass_|glitch|vinyl|elec_(bell|chime)|drum_roll|zap|nasty_bass)|clap|shaker|clav|wood", RegexOptions.IgnoreCase)]
    private static partial Regex OtherSound();

    [GeneratedRegex("rim|stick", RegexOptions.IgnoreCase)]
    private static partial Regex Rim();

    [GeneratedRegex("hat_?(semi)?open|hihat_open|cymbal_open", RegexOptions.IgnoreCase)]
    private static partial Regex OpenHat();

    [GeneratedRegex("hat|cymbal_(closed|pedal)", RegexOptions.IgnoreCase)]
    private static partial Regex ClosedHat();

    [GeneratedRegex("crash|splash|cymbal", RegexOptions.IgnoreCase)]
    private static partial Regex Crash();

    [GeneratedRegex("ride", RegexOptions.IgnoreCase)]
    private static partial Regex Ride();

    [GeneratedRegex("bell|triangle", RegexOptions.IgnoreCase)]
    private static partial Regex Bell();

    [GeneratedRegex("tabla|conga|bongo", RegexOptions.IgnoreCase)]
    private static partial Regex HandDrum();

    [GeneratedRegex("tom", RegexOptions.IgnoreCase)]
    private static partial Regex Tom();

    [GeneratedRegex("snare|^sn_", RegexOptions.IgnoreCase)]
    private static partial Regex Snare();

    [GeneratedRegex("kick|bassdrum|^bd_|drum_bass", RegexOptions.IgnoreCase)]
    private static partial Regex Kick();

    [GeneratedRegex("[-_](softest|soft|med|hardest|hard|[0-9])$", RegexOptions.IgnoreCase)]
    private static partial Regex LoudnessLayer();
}

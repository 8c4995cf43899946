using System.Globalization;
using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>Audio of packages that no task labels: loops, effects, music, talk; cut into pieces. It serves pre-training.</summary>
internal sealed class PackagedAudio : IClipSource
{
    /// <summary>What lies beside the drum hits: loops, instruments, pads, effects.</summary>
    public static readonly PackagedAudio DrumLoops = new(
        "other-audio-v2",
        clipMegabytes: 13,
        pieceSeconds: 2,
        (DrumHits.Lmms, "usr/share/lmms/samples", "GPL-2+"),
        ("sonic-pi-samples", "usr/share/sonic-pi/samples", "CC0"))
    { IsElsewhere = DrumHits.Includes, Dispensable = [DrumHits.Lmms] };

    /// <summary>What lies beside the voices: an hour and a half of music, and the noises of the game.</summary>
    public static readonly PackagedAudio GameMusic = new(
        "game-audio-v1",
        clipMegabytes: 123,
        pieceSeconds: 10,
        ("hedgewars-data", "usr/share/games/hedgewars/Data/Music", "GPL-2"),
        ("hedgewars-data", "usr/share/games/hedgewars/Data/Sounds", "GFDL-1.3"))
    { IsElsewhere = path => path.Contains("/Sounds/voices/", StringComparison.Ordinal) };

    /// <summary>Two fish and many others talk, in Czech and in Dutch.</summary>
    public static readonly PackagedAudio Dialogues = new(
        "dialogues-v1",
        clipMegabytes: 221,
        pieceSeconds: 10,
        ("fillets-ng-data-cs", "usr/share/games/fillets-ng/sound", "GPL-2"),
        ("fillets-ng-data-nl", "usr/share/games/fillets-ng/sound", "GPL-2"));

    /// <summary>Music for two games: an orchestra's, and electronic.</summary>
    public static readonly PackagedAudio Scores = new(
        "scores-v1",
        clipMegabytes: 227,
        pieceSeconds: 10,
        ("wesnoth-1.16-music", "usr/share/games/wesnoth/1.16/data/core/music", "GPL-2+"),
        ("wesnoth-1.18-music", "usr/share/games/wesnoth/1.18/data/core/music", "GPL-2+"),
        ("singularity-music", "usr/share/games/singularity/music", "CC-BY-SA-3.0"))
    { Dispensable = ["wesnoth-1.16-music", "wesnoth-1.18-music"] };   // a release of Debian has the one or the other

    /// <summary>One man reads Russian sentences.</summary>
    public static readonly PackagedAudio Sentences = new(
        "sentences-v1", clipMegabytes: 101, pieceSeconds: 10, ("festvox-ru", "usr/share/festival/voices/russian/msu_ru_nsh_clunits/wav", "BSD-like"));

    private const double ShortestSeconds = 0.1;   // below lie single cycles of a waveform

    private readonly double pieceSeconds;
    private readonly (string Package, string Folder, string Licence)[] folders;

    private PackagedAudio(string name, int clipMegabytes, double pieceSeconds, params (string Package, string Folder, string Licence)[] folders) =>
        (Name, ClipMegabytes, this.pieceSeconds, this.folders) = (name, clipMegabytes, pieceSeconds, folders);

    public string Name { get; }

    public IReadOnlyList<string> Packages => [.. folders.Select(folder => folder.Package).Distinct()];

    public IReadOnlyList<string> Dispensable { get; private init; } = [];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes { get; }

    /// <summary>Whether another source holds a file.</summary>
    private Predicate<string> IsElsewhere { get; init; } = _ => false;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render) =>
    [
        .. from folder in folders
           where packages.ContainsKey(folder.Package)
           let root = packages[folder.Package].Find(folder.Folder)
           from path in AudioFolder.Files(root)
           where !IsElsewhere(path)
           select (Recording)(() => CutUp(path, $"{folder.Package}-{Path.GetFileName(root)}-{AudioFolder.ClipName(root, path)}", folder.Package, folder.Licence)),
    ];

    private IReadOnlyList<SourceClip> CutUp(string path, string name, string package, string licence)
    {
        float[] samples = AudioFile.ReadMono(path, ClipLibrary.SampleRate);
        int piece = (int)(pieceSeconds * ClipLibrary.SampleRate);
        return
        [
            .. samples.Chunk(piece)
                .Where(chunk => chunk.Length >= ShortestSeconds * ClipLibrary.SampleRate)
                .Select((chunk, i) => new SourceClip(
                    string.Create(CultureInfo.InvariantCulture, $"{name}-{i:00}"),
                    chunk,
                    package,
                    licence,
                    new Dictionary<string, string> { ["file"] = Path.GetFileName(path) })),
        ];
    }
}

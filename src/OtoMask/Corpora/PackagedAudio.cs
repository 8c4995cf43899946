using System.Globalization;
using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// The audio of the drum kits' packages that is no single drum hit: loops, instruments, pads, effects; cut into pieces of at
/// most two seconds. It has no labels and serves pre-training.
/// </summary>
internal sealed class PackagedAudio : IClipSource
{
    private const double PieceSeconds = 2.0;
    private const double ShortestSeconds = 0.1;   // below lie single cycles of a waveform

    private static readonly (string Package, string Folder, string Licence)[] Folders =
    [
        ("lmms-common", "usr/share/lmms/samples", "GPL-2+"),
        ("sonic-pi-samples", "usr/share/sonic-pi/samples", "CC0"),
    ];

    public string Name => "other-audio-v1";

    public IReadOnlyList<string> Packages => [.. Folders.Select(folder => folder.Package)];

    public bool NeedsFluidsynth => false;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render) =>
    [
        .. Folders.SelectMany(folder => AudioFilesIn(packages[folder.Package].Find(folder.Folder))
            .Where(path => !DrumHits.Includes(path))
            .Select(path => (Recording)(() => CutUp(path, folder.Package, folder.Licence)))),
    ];

    private static IEnumerable<string> AudioFilesIn(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(AudioFile.HasAudioExtension).Order(StringComparer.Ordinal);

    private static IReadOnlyList<SourceClip> CutUp(string path, string package, string licence)
    {
        float[] samples = AudioFile.ReadMono(path, ClipLibrary.SampleRate);
        int piece = (int)(PieceSeconds * ClipLibrary.SampleRate);
        string name = $"{package}-{Path.GetFileName(Path.GetDirectoryName(path))}-{Path.GetFileNameWithoutExtension(path)}";
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

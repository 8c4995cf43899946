using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// The fifteen voices of the hedgehogs of <c>hedgewars-data</c>: a folder each, a file a phrase, mostly the same phrases in all.
/// </summary>
/// <remarks>Tags: <c>voice</c>, empty for a file that several voices share (whose it is cannot be told); <c>phrase</c>: the file's name without the number of
/// the take.</remarks>
internal sealed class GameVoices : IClipSource
{
    private const string Package = "hedgewars-data", Licence = "GFDL-1.3";
    private const double MaxSeconds = 10;

    public string Name => "game-voices-v1";

    public IReadOnlyList<string> Packages => [Package];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes => 21;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        string[] files = AudioFolder.Files(packages[Package].Find("usr/share/games/hedgewars/Data/Sounds/voices"));
        ILookup<string, string> voicesOf = files.ToLookup(ContentOf, VoiceOf);
        return
        [
            .. files.Select(path => (Recording)(() => [Read(path, isShared: voicesOf[ContentOf(path)].Distinct().Count() > 1)])),
        ];
    }

    private static SourceClip Read(string path, bool isShared)
    {
        string voice = VoiceOf(path), name = Path.GetFileNameWithoutExtension(path);
        return new SourceClip(
            $"{voice}-{name}",
            AudioSlice.Trim(AudioFile.ReadMono(path, ClipLibrary.SampleRate), MaxSeconds),
            Package,
            Licence,
            new Dictionary<string, string> { ["voice"] = isShared ? "" : voice, ["phrase"] = name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9') });
    }

    private static string VoiceOf(string path) => Path.GetFileName(Path.GetDirectoryName(path)!);

    private static string ContentOf(string path) => InputFile.HashOf(path);
}

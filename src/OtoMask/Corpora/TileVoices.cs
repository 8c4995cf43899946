using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// What players of <c>kajongg</c> call out: tiles ("two bamboo"), winds, dragons, moves; the same 42 calls by four voices in German and by four in the
/// language that the game falls back to.
/// </summary>
/// <remarks>Tags: <c>voice</c> (female1 .. male2; whether one person stands behind a name in both languages is not known, so a name is taken for one),
/// <c>word</c> (language and what is called), <c>number</c> (language and 1 .. 9, of a tile that has one; else empty).</remarks>
internal sealed class TileVoices : IClipSource
{
    private const string Package = "kajongg", Licence = "GPL-2+";

    public string Name => "tile-voices-v1";

    public IReadOnlyList<string> Packages => [Package];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes => 5;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        string folder = packages[Package].Find("usr/share/kajongg/voices");
        return [.. AudioFolder.Files(folder).Select(path => (Recording)(() => [Read(path, folder)]))];
    }

    private static SourceClip Read(string path, string folder)
    {
        string call = Path.GetFileNameWithoutExtension(path);
        string[] above = Path.GetRelativePath(folder, Path.GetDirectoryName(path)!).Split('/');
        string language = above.Length > 1 ? above[0] : "default";
        return new SourceClip(
            AudioFolder.ClipName(folder, path),
            AudioFile.ReadMono(path, ClipLibrary.SampleRate),
            Package,
            Licence,
            new Dictionary<string, string>
            {
                ["voice"] = above[^1],
                ["word"] = $"{language}/{call}",
                ["number"] = NumberOf(call) is char number ? $"{language}/{number}" : "",
            });
    }

    /// <summary>The number of a tile of bamboos, characters or stones: <c>b2</c> is the two of bamboos. Null for any other call.</summary>
    internal static char? NumberOf(string call) => call is ['b' or 'c' or 's', >= '1' and <= '9' and var number] ? number : null;
}

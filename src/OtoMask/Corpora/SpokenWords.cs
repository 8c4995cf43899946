using System.Text.RegularExpressions;
using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// Single words of many languages, one voice a language and package: the names of stamps in <c>tuxpaint-stamps-default</c>, of parts of pictures in
/// <c>ktuberling-data</c>, of letters and syllables in <c>klettres-data</c>. The noises that some stamps make come along without a language.
/// </summary>
/// <remarks>Tags: <c>language</c> (as the files call it, or empty), <c>voice</c> (package and language), <c>word</c> (what is named, the same for all languages
/// of a package), <c>letter</c> (<c>a</c> .. <c>z</c> where one is named, else empty).</remarks>
internal sealed partial class SpokenWords : IClipSource
{
    /// <summary>The package with the most words.</summary>
    public const string StampPackage = "tuxpaint-stamps-default";

    private const string LetterPackage = "klettres-data";
    private const double MaxSeconds = 10;

    // The language is the end of a stamp's file name, elsewhere the first folder.
    private static readonly (string Package, string Folder, string Licence)[] Collections =
    [
        (StampPackage, "usr/share/tuxpaint/stamps", "GPL-2+"),
        ("ktuberling-data", "usr/share/ktuberling/sounds", "GPL-2+"),
        (LetterPackage, "usr/share/klettres", "GPL-2+"),
    ];

    public string Name => "spoken-words-v2";

    public IReadOnlyList<string> Packages => [.. Collections.Select(collection => collection.Package)];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes => 286;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        string alphabets = packages[LetterPackage].Find("usr/share/klettres");
        Dictionary<string, IReadOnlyDictionary<string, string>> letters =
            Directory.GetDirectories(alphabets).ToDictionary(language => Path.Combine(language, "alpha"), LetterNames.Read);
        return
        [
            .. from collection in Collections
               let folder = packages[collection.Package].Find(collection.Folder)
               from path in AudioFolder.Files(folder)
               let letter = letters.GetValueOrDefault(Path.GetDirectoryName(path)!)?.GetValueOrDefault(Path.GetFileName(path)) ?? ""
               select (Recording)(() => [Read(path, letter, folder, collection.Package, collection.Licence)]),
        ];
    }

    private static SourceClip Read(string path, string letter, string folder, string package, string licence)
    {
        string name = AudioFolder.ClipName(folder, path);
        (string language, string word) = package == StampPackage ? ParseStamp(name) : ParseFolder(name);
        return new SourceClip(
            $"{package}-{name}",
            AudioSlice.Trim(AudioFile.ReadMono(path, ClipLibrary.SampleRate), MaxSeconds),
            package,
            licence,
            new Dictionary<string, string>
            {
                ["language"] = language,
                // One person speaks the Belarusian and the Russian stamps.
                ["voice"] = $"{package}/{(package == StampPackage && language == "be" ? "ru" : language)}",
                ["word"] = $"{package}/{word}",
                ["letter"] = letter,
            });
    }

    /// <summary>Splits the name of a stamp's sound: <c>apple_desc_fr</c> is French; <c>apple_desc</c> English; <c>apple</c> the noise it makes.</summary>
    internal static (string Language, string Word) ParseStamp(string name)
    {
        Match match = StampName().Match(name);
        string language = match.Groups["language"].Value;
        return (language.Length == 0 && match.Groups["description"].Success ? "en" : language, match.Groups["word"].Value);
    }

    private static (string Language, string Word) ParseFolder(string name)
    {
        string[] parts = name.Split('-', 2);
        return (parts[0], parts[1]);
    }

    [GeneratedRegex("^(?<word>.+?)(?<description>_desc)?(_(?<language>be|bg|ca|da|de|el|en_GB|es|fr|it|ja|ko|lt|ml|nb|nl|nn|pt|pt_BR|ro|ru|sl|sv|zh_tw))?$")]
    private static partial Regex StampName();
}

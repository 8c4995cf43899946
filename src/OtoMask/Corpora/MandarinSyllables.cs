using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>
/// Mandarin syllables spoken by two people, from <c>gcin-voice</c>: one folder for each syllable, named in Bopomofo with the
/// tone's digit, holding <c>3.ogg</c> and mostly <c>5.ogg</c>, one file a speaker; 0.3 s each, decoded whole.
/// </summary>
/// <remarks>Tags: <c>speaker</c>; <c>syllable</c> (romanised, without tone); <c>initial</c> (21 consonants and <c>none</c>);
/// <c>tone</c> (1 .. 4 or <c>neutral</c>). Bopomofo leaves tone 1 unmarked; this package marks the neutral tone by the digit 1.
/// Names of letters (a lone ㄅ) have the tag <c>syllable</c> empty.</remarks>
internal sealed class MandarinSyllables : IClipSource
{
    private const string Package = "gcin-voice";

    // What the package's copyright file says of each speaker's files.
    private static readonly Dictionary<string, string> LicenceOfSpeaker = new() { ["3"] = "GPL-3 or LGPL-3", ["5"] = "CC-BY-3" };

    private static readonly Dictionary<char, string> Initials = Romanisation("ㄅb ㄆp ㄇm ㄈf ㄉd ㄊt ㄋn ㄌl ㄍg ㄎk ㄏh ㄐj ㄑq ㄒx ㄓzh ㄔch ㄕsh ㄖr ㄗz ㄘc ㄙs");

    private static readonly Dictionary<char, string> Vowels = Romanisation("ㄧi ㄨu ㄩyu ㄚa ㄛo ㄜe ㄝeh ㄞai ㄟei ㄠao ㄡou ㄢan ㄣen ㄤang ㄥeng ㄦer");

    public string Name => "syllables-v1";

    public IReadOnlyList<string> Packages => [Package];

    public bool NeedsFluidsynth => false;

    public int ClipMegabytes => 22;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render) =>
    [
        .. Directory.GetFiles(packages[Package].Find("usr/share/gcin-voice/ogg"), "*.ogg", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .Select(path => (Recording)(() => [Read(path)])),
    ];

    private static SourceClip Read(string path)
    {
        string speaker = Path.GetFileNameWithoutExtension(path);
        (string initial, string final, string tone) = Parse(Path.GetFileName(Path.GetDirectoryName(path)!));
        // zhi, chi, shi, ri, zi, ci, si are written without a vowel; any other lone consonant is the name of a letter.
        bool isSyllable = final.Length > 0 || initial is "zh" or "ch" or "sh" or "r" or "z" or "c" or "s";
        Dictionary<string, string> tags = new()
        {
            ["speaker"] = speaker,
            ["syllable"] = isSyllable ? initial + final : "",
            ["initial"] = initial.Length > 0 ? initial : "none",
            ["tone"] = tone,
        };
        return new SourceClip(
            $"{initial}{final}-{tone}-{speaker}",
            AudioFile.ReadMono(path, ClipLibrary.SampleRate),
            Package,
            LicenceOfSpeaker.GetValueOrDefault(speaker, "see the package's copyright file"),
            tags);
    }

    /// <summary>Splits a folder's name into initial (may be empty), final (may be empty) and tone.</summary>
    /// <exception cref="UserErrorException">The name is not Bopomofo.</exception>
    internal static (string Initial, string Final, string Tone) Parse(string name)
    {
        string tone = name[^1] switch { '1' => "neutral", '2' or '3' or '4' => name[^1..], _ => "1" };
        string letters = name.TrimEnd('1', '2', '3', '4');
        string initial = letters.Length > 0 && Initials.TryGetValue(letters[0], out string? consonant) ? consonant : "";
        IEnumerable<string> vowels = letters.Skip(initial.Length > 0 ? 1 : 0).Select(letter => Vowels.TryGetValue(letter, out string? vowel)
            ? vowel
            : throw new UserErrorException($"package {Package} has a folder {name} whose name is not a Bopomofo syllable; this release of it is not known"));
        return (initial, string.Concat(vowels), tone);
    }

    /// <summary>Reads pairs of a Bopomofo letter and its romanisation.</summary>
    private static Dictionary<char, string> Romanisation(string pairs) => pairs.Split(' ').ToDictionary(pair => pair[0], pair => pair[1..]);
}

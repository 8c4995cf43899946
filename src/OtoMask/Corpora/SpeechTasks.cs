namespace OtoMask.Corpora;

/// <summary>Tasks on speech: single Mandarin syllables, the voices of a game, single words, and what else is told apart in voices never heard (family <c>generalisation</c>).</summary>
internal static class SpeechTasks
{
    // Those that both the stamps and the other recordings speak. Belarusian is no seventh: its voice is the Russian one.
    private static readonly string[] WordLanguages = ["ca", "da", "el", "es", "fr", "ru"];

    // Drawn once by GroupedSplit and then written down, as the makers of drum kits are.
    private static readonly string[] TestLetterVoices = ["klettres-data/de", "klettres-data/en_GB", "klettres-data/it", "klettres-data/lt"];

    /// <summary>The family of tasks that are tested on people never heard in training.</summary>
    private const string Generalisation = "generalisation";

    private static readonly MandarinSyllables Syllables = new();

    private static readonly SpokenWords Words = new();

    /// <summary>The four tones; no syllable on both sides.</summary>
    public static readonly TaskRecipe Tones = new([Syllables], Tone, group: clip => clip.Tags["syllable"])
    {
        Name = "tones",
        Family = "speech",
        Summary = "4 Mandarin tones (gcin-voice); test: syllables not heard in training, both speakers on both sides",
        Known = (4, 2320),
        Caution = "0.3 s clips of two speakers, both heard in training: it says nothing about new voices.",
    };

    /// <summary>The four tones; one speaker each side.</summary>
    public static readonly TaskRecipe TonesCrossSpeaker = Tones with
    {
        Name = "tones-cross-speaker",
        Family = Generalisation,
        Summary = "4 Mandarin tones (gcin-voice); train on one speaker, test on the other",
        Known = (4, 2320),
        Caution = "One speaker to learn from: at small scale encoders stay near chance, and may fall below it.",
        Group = Speaker,
        IsTest = IsSecondSpeaker,
    };

    /// <summary>The consonant a syllable begins with; no syllable on both sides.</summary>
    public static readonly TaskRecipe Initials = Tones with
    {
        Name = "initials",
        Summary = "22 Mandarin initials (gcin-voice); test: syllables not heard in training, both speakers on both sides",
        Known = (22, 2341),
        Caution = "0.3 s clips of two speakers, both heard in training: it says nothing about new voices.",
        Label = clip => clip.Tags["syllable"].Length > 0 ? clip.Tags["initial"] : null,
    };

    /// <summary>The consonant a syllable begins with; one speaker each side.</summary>
    public static readonly TaskRecipe InitialsCrossSpeaker = Initials with
    {
        Name = "initials-cross-speaker",
        Family = Generalisation,
        Summary = "22 Mandarin initials (gcin-voice); train on one speaker, test on the other",
        Known = (22, 2341),
        Caution = "One speaker to learn from: at small scale encoders stay near chance, and may fall below it.",
        Group = Speaker,
        IsTest = IsSecondSpeaker,
    };

    /// <summary>Who speaks; no phrase on both sides.</summary>
    public static readonly TaskRecipe Speakers = new([new GameVoices()], label: clip => clip.Tags["voice"] is { Length: > 0 } voice ? voice : null, group: clip => clip.Tags["phrase"])
    {
        Name = "speakers",
        Family = "speech",
        Summary = "15 voices of a game (hedgewars-data); test: phrases not heard in training",
        Known = (15, 775),
        Caution = "Acted voices, some of them one in two languages; files that voices share are left out.",
    };

    /// <summary>The language of a word; no voice on both sides.</summary>
    public static readonly TaskRecipe WordsLanguage = new(
        [Words],
        label: clip => WordLanguages.Contains(clip.Tags["language"]) ? clip.Tags["language"] : null,
        // Each language of the training set has one voice, so that there the words are the groups that a validation part can be made of.
        group: clip => IsNoStamp(clip) ? clip.Tags["voice"] : clip.Tags["word"])
    {
        Name = "words-language",
        Family = Generalisation,
        Summary = "6 languages, single words; train: tuxpaint-stamps-default, test: other voices (ktuberling-data, klettres-data)",
        Known = (6, 5179),
        Caution = "In training each language is one voice, so voice and language cannot be told apart there; one person speaks the Belarusian and the Russian stamps, so Belarusian is no class.",
        IsTest = IsNoStamp,
    };

    /// <summary>A call of a game's players; no voice on both sides.</summary>
    public static readonly TaskRecipe WordsCrossSpeaker = new([new TileVoices()], label: clip => clip.Tags["word"], group: Voice)
    {
        Name = "words-cross-speaker",
        Family = Generalisation,
        Summary = "84 calls of a game in two languages (kajongg); train on a woman and a man, test on another woman and another man",
        Known = (84, 335),
        Caution = "Two training clips a class, one a voice.",
        IsTest = IsSecondVoice,
    };

    /// <summary>The number in such a call; no voice on both sides.</summary>
    public static readonly TaskRecipe NumbersCrossSpeaker = WordsCrossSpeaker with
    {
        Name = "numbers-cross-speaker",
        Summary = "1 to 9 in two languages, called with the suit of a tile (kajongg); train on a woman and a man, test on another woman and another man",
        Known = (18, 216),
        Caution = "The clips are those of words-cross-speaker: the two are not independent.",
        Label = clip => clip.Tags["number"] is { Length: > 0 } number ? number : null,
    };

    /// <summary>The letter that is named; no voice, and so no language, on both sides.</summary>
    public static readonly TaskRecipe LettersCrossSpeaker = new([Words], label: clip => clip.Tags["letter"] is { Length: > 0 } letter ? letter : null, Voice)
    {
        Name = "letters-cross-speaker",
        Family = Generalisation,
        Summary = "26 letters, named by one voice in each of many languages (klettres-data); test: voices, and languages, not heard in training",
        Known = (26, 363),
        Caution = "Languages name some letters quite differently (j, q, w, y): no encoder can get all of them right.",
        IsTest = clip => TestLetterVoices.Contains(Voice(clip)),
    };

    private static string Voice(ManifestClip clip) => clip.Tags["voice"];

    private static bool IsSecondVoice(ManifestClip clip) => Voice(clip).EndsWith('2');

    private static string? Tone(ManifestClip clip) => clip.Tags["syllable"].Length > 0 && clip.Tags["tone"] != "neutral" ? "tone" + clip.Tags["tone"] : null;

    private static string Speaker(ManifestClip clip) => clip.Tags["speaker"];

    private static bool IsSecondSpeaker(ManifestClip clip) => clip.Tags["speaker"] == "5";

    private static bool IsNoStamp(ManifestClip clip) => clip.Package != SpokenWords.StampPackage;
}

namespace OtoMask.Corpora;

/// <summary>Tasks on speech: single Mandarin syllables, the voices of a game, single words of six languages.</summary>
internal static class SpeechTasks
{
    // Those that both the stamps and the other recordings speak. Belarusian is no seventh: its voice is the Russian one.
    private static readonly string[] WordLanguages = ["ca", "da", "el", "es", "fr", "ru"];

    private static readonly MandarinSyllables Syllables = new();

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
        [new SpokenWords()],
        label: clip => WordLanguages.Contains(clip.Tags["language"]) ? clip.Tags["language"] : null,
        // Each language of the training set has one voice, so that there the words are the groups that a validation part can be made of.
        group: clip => IsNoStamp(clip) ? clip.Tags["voice"] : clip.Tags["word"])
    {
        Name = "words-language",
        Family = "speech",
        Summary = "6 languages, single words; train: tuxpaint-stamps-default, test: other voices (ktuberling-data, klettres-data)",
        Known = (6, 5179),
        Caution = "In training each language is one voice, so voice and language cannot be told apart there; one person speaks the Belarusian and the Russian stamps, so Belarusian is no class.",
        IsTest = IsNoStamp,
    };

    private static string? Tone(ManifestClip clip) => clip.Tags["syllable"].Length > 0 && clip.Tags["tone"] != "neutral" ? "tone" + clip.Tags["tone"] : null;

    private static string Speaker(ManifestClip clip) => clip.Tags["speaker"];

    private static bool IsSecondSpeaker(ManifestClip clip) => clip.Tags["speaker"] == "5";

    private static bool IsNoStamp(ManifestClip clip) => clip.Package != SpokenWords.StampPackage;
}

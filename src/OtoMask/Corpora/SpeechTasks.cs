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
    };

    /// <summary>The four tones; one speaker each side.</summary>
    public static readonly TaskRecipe TonesCrossSpeaker = Tones with
    {
        Name = "tones-cross-speaker",
        Summary = "4 Mandarin tones (gcin-voice); train on one speaker, test on the other",
        Group = Speaker,
        IsTest = IsSecondSpeaker,
    };

    /// <summary>The consonant a syllable begins with; no syllable on both sides.</summary>
    public static readonly TaskRecipe Initials = Tones with
    {
        Name = "initials",
        Summary = "22 Mandarin initials (gcin-voice); test: syllables not heard in training, both speakers on both sides",
        Label = clip => clip.Tags["syllable"].Length > 0 ? clip.Tags["initial"] : null,
    };

    /// <summary>The consonant a syllable begins with; one speaker each side.</summary>
    public static readonly TaskRecipe InitialsCrossSpeaker = Initials with
    {
        Name = "initials-cross-speaker",
        Summary = "22 Mandarin initials (gcin-voice); train on one speaker, test on the other",
        Group = Speaker,
        IsTest = IsSecondSpeaker,
    };

    /// <summary>Who speaks; no phrase on both sides.</summary>
    public static readonly TaskRecipe Speakers = new([new GameVoices()], label: clip => clip.Tags["voice"] is { Length: > 0 } voice ? voice : null, group: clip => clip.Tags["phrase"])
    {
        Name = "speakers",
        Family = "speech",
        Summary = "15 voices of a game (hedgewars-data); test: phrases not heard in training",
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
        IsTest = IsNoStamp,
    };

    private static string? Tone(ManifestClip clip) => clip.Tags["syllable"].Length > 0 && clip.Tags["tone"] != "neutral" ? "tone" + clip.Tags["tone"] : null;

    private static string Speaker(ManifestClip clip) => clip.Tags["speaker"];

    private static bool IsSecondSpeaker(ManifestClip clip) => clip.Tags["speaker"] == "5";

    private static bool IsNoStamp(ManifestClip clip) => clip.Package != SpokenWords.StampPackage;
}

namespace OtoMask.Corpora;

/// <summary>Tasks on single Mandarin syllables of two speakers.</summary>
internal static class SpeechTasks
{
    private static readonly MandarinSyllables Syllables = new();

    /// <summary>The four tones; no syllable on both sides.</summary>
    public static readonly TaskRecipe Tones = new(Syllables, Tone, group: clip => clip.Tags["syllable"])
    {
        Name = "tones",
        Family = "speech",
        Summary = "4 Mandarin tones, two speakers (gcin-voice); test: syllables not heard in training",
    };

    /// <summary>The four tones; one speaker each side.</summary>
    public static readonly TaskRecipe TonesCrossSpeaker = Tones with
    {
        Name = "tones-cross-speaker",
        Summary = "4 Mandarin tones (gcin-voice); train on one speaker, test on the other",
        Group = clip => clip.Tags["speaker"],
        IsTest = clip => clip.Tags["speaker"] == "5",
    };

    /// <summary>The consonant a syllable begins with; no syllable on both sides.</summary>
    public static readonly TaskRecipe Initials = Tones with
    {
        Name = "initials",
        Summary = "22 Mandarin initials, two speakers (gcin-voice); test: syllables not heard in training",
        Label = clip => clip.Tags["syllable"].Length > 0 ? clip.Tags["initial"] : null,
    };

    private static string? Tone(ManifestClip clip) => clip.Tags["syllable"].Length > 0 && clip.Tags["tone"] != "neutral" ? "tone" + clip.Tags["tone"] : null;
}

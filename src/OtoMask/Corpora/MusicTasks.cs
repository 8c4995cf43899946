namespace OtoMask.Corpora;

/// <summary>Tasks on single notes of the 128 General MIDI programs.</summary>
internal static class MusicTasks
{
    private static readonly SoundfontNotes Notes = new();

    /// <summary>The sixteen families of instruments; no instrument on both sides.</summary>
    public static readonly TaskRecipe Instruments = new(Notes, label: clip => clip.Tags["family"], Program)
    {
        Name = "instruments",
        Family = "music",
        Summary = "16 instrument families, notes of 128 programs (timgm6mb-soundfont); test: instruments not heard in training",
        TestShare = 0.25,
    };

    /// <summary>The pitch of a note; no instrument on both sides.</summary>
    public static readonly TaskRecipe Pitch = Instruments with
    {
        Name = "pitch",
        Summary = "61 pitches, C2 to C7, notes of the tuned programs (timgm6mb-soundfont); test: instruments not heard in training",
        // The last two families, drums and sound effects, have no pitch to speak of.
        Label = clip => clip.Tags["family"] is "percussive" or "sound-effects" ? null : "pitch" + clip.Tags["pitch"],
    };

    /// <summary>Which of the 128 programs plays; no pitch on both sides.</summary>
    public static readonly TaskRecipe Programs = Instruments with
    {
        Name = "programs",
        Summary = "128 instruments (timgm6mb-soundfont); test: pitches not heard in training",
        Label = Program,
        Group = clip => "pitch" + clip.Tags["pitch"],
    };

    private static string Program(ManifestClip clip) => "program" + clip.Tags["program"];
}

using System.Globalization;

namespace OtoMask.Corpora;

/// <summary>Tasks on single notes of the 128 General MIDI programs, as two sound fonts play them.</summary>
internal static class MusicTasks
{
    private static readonly SoundfontNotes TrainingNotes = SoundfontNotes.FluidR3, TestNotes = SoundfontNotes.TimGm6mb;

    /// <summary>The sixteen families of instruments; no sound font on both sides.</summary>
    public static readonly TaskRecipe Instruments = new([TrainingNotes, TestNotes], label: clip => clip.Tags["family"], group: clip => $"{clip.Package}/{Program(clip)}")
    {
        Name = "instruments",
        Family = "music",
        Summary = "16 instrument families, notes of 128 programs; train: fluid-soundfont-gm, test: timgm6mb-soundfont",
        Known = (16, 4026),
        Caution = "Two sound fonts play one instrument with quite different sounds, and that difference is the task.",
        IsTest = IsOfTestFont,
    };

    /// <summary>The pitch of a note; neither a program nor a sound font on both sides.</summary>
    public static readonly TaskRecipe Pitch = Instruments with
    {
        Name = "pitch",
        Summary = "61 pitches, C2 to C7, notes of the tuned programs; train: three programs of four (fluid-soundfont-gm), test: the fourth (timgm6mb-soundfont)",
        Known = (61, 1745),
        Caution = "Four to eleven test notes a class: a few of them move the score.",
        Label = clip => IsTuned(clip) && IsTestProgram(clip) == IsOfTestFont(clip) ? "pitch" + clip.Tags["pitch"] : null,
        Group = Program,
    };

    /// <summary>Which of the 128 programs plays; no pitch on both sides.</summary>
    public static readonly TaskRecipe Programs = new([TestNotes], label: Program, group: clip => "pitch" + clip.Tags["pitch"])
    {
        Name = "programs",
        Family = "music",
        Summary = "128 instruments (timgm6mb-soundfont); test: pitches not heard in training",
        Known = (128, 2032),
        Caution = "Three to seven test notes a class. Unlabelled audio made for the benchmark may hold its test clips.",
        TestShare = 0.25,
    };

    private static string Program(ManifestClip clip) => "program" + clip.Tags["program"];

    private static bool IsOfTestFont(ManifestClip clip) => TestNotes.Packages.Contains(clip.Package);

    /// <summary>Two programs of every family of eight.</summary>
    private static bool IsTestProgram(ManifestClip clip) => int.Parse(clip.Tags["program"], CultureInfo.InvariantCulture) % 4 == 2;

    /// <summary>The last two families, drums and sound effects, have no pitch to speak of.</summary>
    private static bool IsTuned(ManifestClip clip) => clip.Tags["family"] is not ("percussive" or "sound-effects");
}

using System.Globalization;

namespace OtoMask.Corpora;

/// <summary>
/// Single notes of the 128 General MIDI programs, rendered from a sound font of recorded instruments: 16 notes a
/// program, held 0.8 s, cut at 1.2 s.
/// </summary>
/// <remarks>Tags: <c>program</c> (0 .. 127), <c>family</c>, <c>pitch</c> (MIDI, 36 .. 96), <c>velocity</c>. Pitches and velocities
/// follow a fixed pattern in which every pitch comes about equally often and no program has one twice.</remarks>
internal sealed class SoundfontNotes : IClipSource
{
    /// <summary>The small sound font of MuseScore 1.</summary>
    public static readonly SoundfontNotes TimGm6mb = new("notes-v1", SoundFont.TimGm6mb);

    /// <summary>The large sound font of fluidsynth.</summary>
    public static readonly SoundfontNotes FluidR3 = new("notes-fluid-v1", SoundFont.FluidR3);

    private const int NotesPerProgram = 16, LowestPitch = 36, PitchCount = 61;
    private const double HeldSeconds = 0.8, ClipSeconds = 1.2, SpacingSeconds = 1.5;

    private readonly SoundFont font;

    private SoundfontNotes(string name, SoundFont font) => (Name, this.font) = (name, font);

    public string Name { get; }

    public IReadOnlyList<string> Packages => [font.Package];

    public bool NeedsFluidsynth => true;

    public int ClipMegabytes => 33;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        ArgumentNullException.ThrowIfNull(render);
        string soundfont = font.Find(packages);
        return [.. Enumerable.Range(0, GeneralMidi.ProgramCount).Select(program => (Recording)(() => RenderProgram(render, soundfont, program)))];
    }

    private IReadOnlyList<SourceClip> RenderProgram(NoteRenderer render, string soundfont, int program)
    {
        (int Pitch, int Velocity)[] notes = [.. Enumerable.Range(NotesPerProgram * program, NotesPerProgram).Select(NoteAt)];
        IReadOnlyList<float[]> sounds = SoundFont.Play(render, soundfont, channel: 0, program, notes, ClipSeconds, SpacingSeconds, HeldSeconds);
        return [.. notes.Select((note, i) => new SourceClip(
            string.Create(CultureInfo.InvariantCulture, $"program{program:000}-pitch{note.Pitch:00}"),
            sounds[i],
            font.Package,
            font.Licence,
            new Dictionary<string, string>
            {
                ["program"] = program.ToString(CultureInfo.InvariantCulture),
                ["family"] = GeneralMidi.Families[program / 8],
                ["pitch"] = note.Pitch.ToString(CultureInfo.InvariantCulture),
                ["velocity"] = note.Velocity.ToString(CultureInfo.InvariantCulture),
            }))];
    }

    // 61 is prime: steps of 23 visit every pitch once before any returns.
    private static (int Pitch, int Velocity) NoteAt(int index) => (LowestPitch + (23 * index % PitchCount), 64 + (37 * index % 61));
}

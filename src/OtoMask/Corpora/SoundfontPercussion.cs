using System.Globalization;

namespace OtoMask.Corpora;

/// <summary>
/// The 47 percussion instruments of General MIDI (drums, cymbals, bells, shakers, whistles), struck softly and loudly in the seven kits of a sound font
/// of recordings; 2 s each at the most. What a kit borrows from another one unchanged comes once.
/// </summary>
/// <remarks>Tags: <c>instrument</c>, <c>kit</c>.</remarks>
internal sealed class SoundfontPercussion : IClipSource
{
    /// <summary>The small sound font of MuseScore 1.</summary>
    public static readonly SoundfontPercussion TimGm6mb = new("percussion-v1", SoundFont.TimGm6mb);

    /// <summary>The large sound font of fluidsynth.</summary>
    public static readonly SoundfontPercussion FluidR3 = new("percussion-fluid-v1", SoundFont.FluidR3);

    /// <summary>Programs of the kits that follow the General MIDI key map (the orchestra kit does not), and their names.</summary>
    public static readonly IReadOnlyList<(int Program, string Name)> Kits =
        [(0, "standard"), (8, "room"), (16, "power"), (24, "electronic"), (25, "tr-808"), (32, "jazz"), (40, "brush")];

    /// <summary>Soft and loud.</summary>
    public static readonly IReadOnlyList<int> Velocities = [70, 120];

    private const double ClipSeconds = 2, PauseSeconds = 0.5;

    private readonly SoundFont font;

    private SoundfontPercussion(string name, SoundFont font) => (Name, this.font) = (name, font);

    public string Name { get; }

    public IReadOnlyList<string> Packages => [font.Package];

    public bool NeedsFluidsynth => true;

    public int ClipMegabytes => 4;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        ArgumentNullException.ThrowIfNull(render);
        string soundfont = font.Find(packages);
        return [.. Kits.Select(kit => (Recording)(() => RenderKit(render, soundfont, kit.Program, kit.Name)))];
    }

    private IReadOnlyList<SourceClip> RenderKit(NoteRenderer render, string soundfont, int program, string kit)
    {
        (int Key, int Velocity)[] strikes =
            [.. Enumerable.Range(GeneralMidi.LowestPercussionKey, GeneralMidi.Percussion.Count).SelectMany(key => Velocities.Select(velocity => (key, velocity)))];
        return
        [
            .. Strike(render, soundfont, program, strikes).Zip(strikes, (samples, strike) => new SourceClip(
                string.Create(CultureInfo.InvariantCulture, $"{kit}-key{strike.Key}-velocity{strike.Velocity}"),
                samples,
                font.Package,
                font.Licence,
                new Dictionary<string, string> { ["instrument"] = GeneralMidi.Percussion[strike.Key - GeneralMidi.LowestPercussionKey], ["kit"] = kit })),
        ];
    }

    /// <summary>Strikes keys of a kit one after the other; 2 s each.</summary>
    public static IReadOnlyList<float[]> Strike(NoteRenderer render, string soundfont, int program, IReadOnlyList<(int Key, int Velocity)> strikes) =>
        SoundFont.Play(render, soundfont, GeneralMidi.PercussionChannel, program, strikes, ClipSeconds, ClipSeconds + PauseSeconds);
}

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
    public static readonly SoundfontPercussion TimGm6mb = new("percussion-v1", "timgm6mb-soundfont", "TimGM6mb.sf2", "GPL-2");

    /// <summary>The large sound font of fluidsynth.</summary>
    public static readonly SoundfontPercussion FluidR3 = new("percussion-fluid-v1", "fluid-soundfont-gm", "FluidR3_GM.sf2", "MIT");

    private const double ClipSeconds = 2;

    private readonly string package, fileName, licence;

    private SoundfontPercussion(string name, string package, string fileName, string licence) => (Name, this.package, this.fileName, this.licence) = (name, package, fileName, licence);

    public string Name { get; }

    public IReadOnlyList<string> Packages => [package];

    public bool NeedsFluidsynth => true;

    public int ClipMegabytes => 4;

    public IReadOnlyList<Recording> Open(IReadOnlyDictionary<string, DebianPackage> packages, NoteRenderer? render)
    {
        ArgumentNullException.ThrowIfNull(render);
        string soundfont = packages[package].Find("usr/share/sounds/sf2/" + fileName);
        return [.. StruckKeys.Kits.Select(kit => (Recording)(() => RenderKit(render, soundfont, kit.Program, kit.Name)))];
    }

    private IReadOnlyList<SourceClip> RenderKit(NoteRenderer render, string soundfont, int program, string kit)
    {
        (int Key, int Velocity)[] strikes =
            [.. Enumerable.Range(GeneralMidi.LowestPercussionKey, GeneralMidi.Percussion.Count).SelectMany(key => StruckKeys.Velocities.Select(velocity => (key, velocity)))];
        return
        [
            .. StruckKeys.Render(render, soundfont, program, strikes, ClipSeconds).Zip(strikes, (samples, strike) => new SourceClip(
                string.Create(CultureInfo.InvariantCulture, $"{kit}-key{strike.Key}-velocity{strike.Velocity}"),
                samples,
                package,
                licence,
                new Dictionary<string, string> { ["instrument"] = GeneralMidi.Percussion[strike.Key - GeneralMidi.LowestPercussionKey], ["kit"] = kit })),
        ];
    }
}

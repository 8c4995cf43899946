namespace OtoMask.Corpora;

/// <summary>A sound font of recorded instruments, as a Debian package holds it.</summary>
/// <param name="Package">The package.</param>
/// <param name="FileName">Its file there.</param>
/// <param name="Licence">The licence that the package states.</param>
internal sealed record SoundFont(string Package, string FileName, string Licence)
{
    /// <summary>The small one of MuseScore 1.</summary>
    public static readonly SoundFont TimGm6mb = new("timgm6mb-soundfont", "TimGM6mb.sf2", "GPL-2");

    /// <summary>The large one of fluidsynth.</summary>
    public static readonly SoundFont FluidR3 = new("fluid-soundfont-gm", "FluidR3_GM.sf2", "MIT");

    /// <summary>The path of its file.</summary>
    /// <exception cref="UserErrorException">The package lacks it.</exception>
    public string Find(IReadOnlyDictionary<string, DebianPackage> packages) => packages[Package].Find("usr/share/sounds/sf2/" + FileName);

    /// <summary>Plays notes one after the other, far enough apart that none sounds into the next, and cuts them out.</summary>
    /// <param name="render">Renders MIDI.</param>
    /// <param name="path">The font's file.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="program">Its instrument or drum kit.</param>
    /// <param name="notes">Key and velocity of each.</param>
    /// <param name="clipSeconds">How long each sounds at the most.</param>
    /// <param name="spacingSeconds">From the begin of one to that of the next.</param>
    /// <param name="heldSeconds">When the key is released; null leaves it down.</param>
    /// <returns>The sound of every note.</returns>
    public static IReadOnlyList<float[]> Play(
        NoteRenderer render, string path, int channel, int program, IReadOnlyList<(int Key, int Velocity)> notes, double clipSeconds, double spacingSeconds, double? heldSeconds = null)
    {
        List<MidiEvent> events = [MidiEvent.Program(0, channel, program)];
        for (int i = 0; i < notes.Count; i++)
        {
            double start = i * spacingSeconds;
            events.Add(MidiEvent.NoteOn(start, channel, notes[i].Key, notes[i].Velocity));
            if (heldSeconds is { } held)
                events.Add(MidiEvent.NoteOff(start + held, channel, notes[i].Key));
            events.Add(MidiEvent.AllSoundOff(start + clipSeconds, channel));
        }
        float[] samples = render(path, events);
        return [.. notes.Select((_, i) => AudioSlice.Cut(samples, i * spacingSeconds, clipSeconds))];
    }
}

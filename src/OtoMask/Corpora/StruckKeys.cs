namespace OtoMask.Corpora;

/// <summary>Keys of a sound font's drum kit, struck one after the other.</summary>
internal static class StruckKeys
{
    /// <summary>Programs of the kits that follow the General MIDI key map (the orchestra kit does not), and their names.</summary>
    public static readonly IReadOnlyList<(int Program, string Name)> Kits =
        [(0, "standard"), (8, "room"), (16, "power"), (24, "electronic"), (25, "tr-808"), (32, "jazz"), (40, "brush")];

    /// <summary>Soft and loud.</summary>
    public static readonly IReadOnlyList<int> Velocities = [70, 120];

    /// <summary>The sound of every strike, <paramref name="seconds"/> each.</summary>
    public static IReadOnlyList<float[]> Render(NoteRenderer render, string soundfont, int program, IReadOnlyList<(int Key, int Velocity)> strikes, double seconds)
    {
        double spacing = seconds + 0.5;
        List<MidiEvent> events = [MidiEvent.Program(0, GeneralMidi.PercussionChannel, program)];
        for (int i = 0; i < strikes.Count; i++)
        {
            events.Add(MidiEvent.NoteOn(i * spacing, GeneralMidi.PercussionChannel, strikes[i].Key, strikes[i].Velocity));
            events.Add(MidiEvent.AllSoundOff((i * spacing) + seconds, GeneralMidi.PercussionChannel));
        }
        float[] samples = render(soundfont, events);
        return [.. strikes.Select((_, i) => AudioSlice.Cut(samples, i * spacing, seconds))];
    }
}

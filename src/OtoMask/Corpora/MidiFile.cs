using System.Buffers.Binary;

namespace OtoMask.Corpora;

/// <summary>One event of a MIDI track: when it happens and its two or three bytes.</summary>
internal readonly record struct MidiEvent(double Seconds, byte Status, byte Data1, byte? Data2 = null)
{
    /// <summary>Chooses the program (instrument or drum kit), 0 .. 127.</summary>
    public static MidiEvent Program(double seconds, int channel, int program) => new(seconds, (byte)(0xC0 | channel), (byte)program);

    /// <summary>Strikes a key.</summary>
    public static MidiEvent NoteOn(double seconds, int channel, int key, int velocity) => new(seconds, (byte)(0x90 | channel), (byte)key, (byte)velocity);

    /// <summary>Releases a key.</summary>
    public static MidiEvent NoteOff(double seconds, int channel, int key) => new(seconds, (byte)(0x80 | channel), (byte)key, 0);

    /// <summary>Cuts every sound of the channel at once (controller 120).</summary>
    public static MidiEvent AllSoundOff(double seconds, int channel) => new(seconds, (byte)(0xB0 | channel), 120, 0);
}

/// <summary>Writes Standard MIDI Files with one track (format 0), one tick a millisecond.</summary>
/// <remarks>"Standard MIDI Files 1.0", MIDI Manufacturers Association, 1988.</remarks>
internal static class MidiFile
{
    private const int TicksPerQuarter = 500;   // with the default tempo of 120 quarters a minute: 1 ms each

    /// <summary>The file's bytes; events in order of time.</summary>
    public static byte[] Encode(IEnumerable<MidiEvent> events)
    {
        List<byte> track = [];
        long now = 0;
        foreach (MidiEvent item in events)
        {
            long tick = (long)Math.Round(item.Seconds * 1000);
            AppendVariableLength(track, tick - now);
            now = tick;
            track.Add(item.Status);
            track.Add(item.Data1);
            if (item.Data2 is byte second)
                track.Add(second);
        }
        track.AddRange([0, 0xFF, 0x2F, 0]);   // end of track

        byte[] file = new byte[14 + 8 + track.Count];
        "MThd"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4), 6);
        BinaryPrimitives.WriteInt16BigEndian(file.AsSpan(8), 0);
        BinaryPrimitives.WriteInt16BigEndian(file.AsSpan(10), 1);
        BinaryPrimitives.WriteInt16BigEndian(file.AsSpan(12), TicksPerQuarter);
        "MTrk"u8.CopyTo(file.AsSpan(14));
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(18), track.Count);
        track.CopyTo(file, 22);
        return file;
    }

    private static void AppendVariableLength(List<byte> bytes, long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 0x0FFFFFFF);
        for (int shift = 21; shift > 0; shift -= 7)
        {
            if (value >> shift != 0)
                bytes.Add((byte)(0x80 | ((value >> shift) & 0x7F)));
        }
        bytes.Add((byte)(value & 0x7F));
    }
}

using OtoMask.Corpora;

namespace OtoMask.Tests.Corpora;

public class MidiFileTests
{
    [Fact]
    public void WritesOneTrackOfMilliseconds()
    {
        byte[] file = MidiFile.Encode([MidiEvent.Program(0, 0, 5), MidiEvent.NoteOn(0.2, 0, 60, 100), MidiEvent.NoteOff(0.2, 0, 60)]);

        byte[] header = [.. "MThd"u8, 0, 0, 0, 6, 0, 0, 0, 1, 500 >> 8, 500 & 0xFF];
        byte[] events =
        [
            0, 0xC0, 5,
            0x81, 0x48, 0x90, 60, 100,   // 200 ms = 0x81 0x48
            0, 0x80, 60, 0,
            0, 0xFF, 0x2F, 0,
        ];
        Assert.Equal([.. header, .. "MTrk"u8, 0, 0, 0, (byte)events.Length, .. events], file);
    }

    [Theory]
    [InlineData(0.127, new byte[] { 0x7F })]
    [InlineData(0.128, new byte[] { 0x81, 0x00 })]
    [InlineData(16.383, new byte[] { 0xFF, 0x7F })]
    [InlineData(16.384, new byte[] { 0x81, 0x80, 0x00 })]
    public void TimesHaveVariableLength(double seconds, byte[] expected)
    {
        byte[] file = MidiFile.Encode([MidiEvent.NoteOff(seconds, 0, 60)]);
        Assert.Equal(expected, file[22..(22 + expected.Length)]);
        Assert.Equal(0x80, file[22 + expected.Length]);
    }

    [Fact]
    public void EventsOutOfOrderAreRefused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MidiFile.Encode([MidiEvent.NoteOff(1, 0, 60), MidiEvent.NoteOff(0.5, 0, 60)]));
}

using OtoMask.Audio;

namespace OtoMask.Tests.Audio;

/// <summary>Containers that only ffmpeg knows; ./test installs it.</summary>
public sealed class FfmpegDecoderTests : IDisposable
{
    private readonly SoundFiles files = new();

    public void Dispose() => files.Dispose();

    [Theory]
    [InlineData("a.m4a")]
    [InlineData("a.wma")]
    [InlineData("a.webm")]
    [InlineData("named-wrongly.wav")]
    public void A_tone_keeps_pitch_and_amplitude(string name)
    {
        string path = Encode(SoundFiles.Tone(1000, 2, 48000), 48000, name, name.EndsWith("wav", StringComparison.Ordinal) ? "matroska" : null);

        float[] read = AudioFile.ReadMono(path, 16000), section = AudioFile.ReadMono(path, 16000, 0.5, 1);

        Assert.InRange(read.Length, 31000, 34000);
        Assert.Equal(0.5, SoundFiles.AmplitudeAt(1000, read.AsSpan(8000, 16000), 16000), 0.02);
        Assert.Equal(16000, section.Length);
        Assert.Equal(0.5, SoundFiles.AmplitudeAt(1000, section, 16000), 0.02);
        Assert.Equal((48000, 1), (AudioFile.Describe(path).SampleRate, AudioFile.Describe(path).Channels));
        Assert.InRange(AudioFile.Describe(path).Seconds, 1.95, 2.15);
    }

    [Fact]
    public void Damaged_and_foreign_files_are_unreadable()
    {
        string path = Encode(SoundFiles.Tone(1000, 2, 16000), 16000, "a.m4a");
        byte[] whole = File.ReadAllBytes(path);
        AssertUnreadable(files.WriteBytes("cut.m4a", whole[..(whole.Length / 2)]));
        AssertUnreadable(files.WriteBytes("words.mp4", "These are words, not sounds."u8.ToArray()));
    }

    [Fact]
    public void A_play_list_in_disguise_opens_no_other_file()
    {
        string secret = files.Write("secret.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 1, 16000), 16000);
        AssertUnreadable(files.WriteBytes("list.m4a", System.Text.Encoding.UTF8.GetBytes($"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n")));
        AssertUnreadable(files.WriteBytes("list.aac", System.Text.Encoding.UTF8.GetBytes($"ffconcat version 1.0\nfile '{secret}'\n")));
    }

    private static void AssertUnreadable(string path)
    {
        UnreadableAudioException thrown = Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, 16000));
        Assert.Contains("ffmpeg cannot read it", thrown.Reason);
        Assert.DoesNotContain('\n', thrown.Message);
    }

    private string Encode(float[] samples, int rate, string name, string? container = null)
    {
        string source = files.Write("source.wav", SoundFiles.WavPcm16, samples, rate);
        return files.Encode(source, name, container is null ? [] : ["-c:a", "aac", "-f", container]);
    }
}

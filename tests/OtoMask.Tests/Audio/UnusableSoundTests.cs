using OtoMask.Audio;

namespace OtoMask.Tests.Audio;

/// <summary>What no program can use is refused with its reason, by one rule for all readers.</summary>
public sealed class UnusableSoundTests : IDisposable
{
    private const int Rate = 16000;
    private readonly SoundFiles files = new();

    public void Dispose() => files.Dispose();

    [Theory]
    [InlineData(1e13f)]
    [InlineData(-1e30f)]
    [InlineData(float.MaxValue)]
    public void A_sample_beyond_any_scale_is_no_sound(float sample)
    {
        float[] samples = SoundFiles.Tone(440, 1, Rate);
        samples[^3] = sample;
        string path = files.Write("absurd.wav", SoundFiles.WavFloat, samples, Rate);

        Assert.Contains("full scale is 1", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, Rate)).Reason);
    }

    [Fact]
    public void Samples_of_32_bits_that_were_never_divided_are_sound()
    {
        string path = files.Write("whole.wav", SoundFiles.WavFloat, [.. SoundFiles.Tone(440, 1, Rate).Select(sample => sample * 2147483648f)], Rate);
        LogMel logMel = new LogMelExtractor(LogMelSettings.Default).Compute(AudioFile.ReadMono(path, Rate));
        Assert.Null(Believable.ProblemOfLogMel(logMel.Values));
    }

    [Theory]
    [InlineData(float.NaN, "NaN or infinite")]
    [InlineData(float.NegativeInfinity, "NaN or infinite")]
    [InlineData(1e5f, "1e+5")]
    public void A_log_mel_beyond_any_scale_is_none(float value, string said)
    {
        for (int length = 1; length < 40; length++)
        {
            float[] values = new float[length];
            Assert.Null(Believable.ProblemOfLogMel(values));
            values[length / 2] = value;
            Assert.Contains(said, Believable.ProblemOfLogMel(values));
        }
    }

    [Theory]
    [InlineData("a.wav")]
    [InlineData("a.mp3")]
    [InlineData("a.ogg")]
    [InlineData("a.m4a")]
    public void Channels_whose_mean_is_silence_are_told_of(string name)
    {
        float[] tone = SoundFiles.Tone(440, 2, Rate);
        string path = files.Write("opposite.wav", SoundFiles.WavPcm16, [.. tone.SelectMany(sample => (float[])[sample, -sample])], Rate, channels: 2);
        path = files.Encode(path, name);

        Assert.Contains("cancel each other", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, Rate)).Reason);
        Assert.Contains("cancel each other", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, Rate, 0.5, 1)).Reason);
    }

    [Fact]
    public void Silence_and_one_silent_channel_are_sound()
    {
        float[] tone = SoundFiles.Tone(440, 1, Rate);
        Assert.Equal(Rate, AudioFile.ReadMono(files.Write("silent.wav", SoundFiles.WavPcm16, new float[2 * Rate], Rate, channels: 2), Rate).Length);
        Assert.Equal(Rate, AudioFile.ReadMono(files.Write("left.wav", SoundFiles.WavPcm16, [.. tone.SelectMany(sample => (float[])[sample, 0])], Rate, channels: 2), Rate).Length);
    }

    [Theory]
    [InlineData("mp3")]
    [InlineData("flac")]
    [InlineData("wav")]
    [InlineData("ogg")]
    [InlineData("ac3")]
    [InlineData("mkv")]
    [InlineData("m4a")]
    public void A_sparse_file_of_a_hundred_gigabytes_costs_a_look_at_its_beginning(string ending)
    {
        string path = files.PathOf($"sparse.{ending}");
        using (FileStream file = File.Create(path))
            file.SetLength(100L << 30);
        Assert.Contains("nothing but zeros", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, Rate)).Reason);
        Assert.Contains("nothing but zeros", Assert.Throws<UnreadableAudioException>(() => AudioFile.Measure(path)).Reason);
    }

    [Theory]
    [InlineData("wav", SoundFiles.WavPcm16)]
    [InlineData("ogg", SoundFiles.OggVorbis)]
    public void Sound_with_a_hundred_gigabytes_of_nothing_behind_is_the_sound(string ending, int format)
    {
        string path = files.Write($"a.{ending}", format, SoundFiles.Tone(440, 2, Rate), Rate);
        float[] alone = AudioFile.ReadMono(path, Rate);
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(100L << 30);
        Assert.Equal(alone, AudioFile.ReadMono(path, Rate));
    }

    [Fact]
    public void An_mp3_with_a_hundred_gigabytes_of_nothing_behind_ends_where_its_frames_end()
    {
        string path = files.Encode(files.Write("a.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 2, Rate), Rate), "a.mp3");
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(100L << 30);
        try
        {
            Assert.InRange(AudioFile.ReadMono(path, Rate).Length, 2 * Rate, 3 * Rate);
        }
        catch (UnreadableAudioException refused)
        {
            Assert.Contains("damaged", refused.Reason);
        }
    }
}

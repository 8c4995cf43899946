using System.Buffers.Binary;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Randomness;

namespace OtoMask.Tests.Audio;

/// <summary>Files are read to the end of what is there, whatever a header says, lacks or guesses; ./test installs ffmpeg, which makes most of them.</summary>
public sealed class TrueLengthTests : IDisposable
{
    private const int Rate = 16000, Second = 44100;
    private readonly SoundFiles files = new();

    public void Dispose() => files.Dispose();

    [Theory]
    [InlineData("vbr.mp3", "-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0")]
    [InlineData("cbr.mp3", "-c:a", "libmp3lame", "-b:a", "96k")]
    [InlineData("a.mp2", "-c:a", "mp2")]
    [InlineData("a.aac", "-c:a", "aac", "-b:a", "128k")]
    [InlineData("a.m4a")]
    [InlineData("a.wma")]
    [InlineData("a.webm")]
    [InlineData("a.ogg")]
    [InlineData("a.opus")]
    [InlineData("a.ac3")]
    public void Reading_measuring_and_sections_agree_on_where_the_sound_ends(string name, params string[] options)
    {
        string path = files.Encode(Noisy(70), name, options);

        float[] whole = AudioFile.ReadMono(path, Rate);
        AudioInfo measured = AudioFile.Measure(path);

        Assert.InRange(whole.Length, 70 * Rate - 1000, 70 * Rate + 2000);
        Assert.Equal(whole.Length, measured.Seconds * Rate, 1.0);
        foreach (double start in (double[])[0, 1.3, 60.017, 68.9])
        {
            float[] section = AudioFile.ReadMono(path, Rate, start, 2);
            int first = (int)Math.Round(start * Rate);
            Assert.Equal(Math.Min(2 * Rate, whole.Length - first), section.Length);
            for (int i = 0; i < section.Length; i++)
                Assert.Equal(whole[first + i], section[i], 2e-5f);
        }
    }

    [Fact]
    public void An_mp3_that_begins_quietly_is_as_long_for_every_reader_as_it_is()
    {
        string path = files.Encode(Noisy(70), "vbr.mp3", "-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0");
        Assert.NotInRange(AudioFile.Describe(path).Seconds, 60, 80); // what libmpg123 guesses, and libsndfile took for the end

        var reader = new LogMelReader(LogMelSettings.Default);
        (OwnedLogMel? whole, int frames) = reader.ReadWhole(path);

        Assert.InRange(frames, 7000, 7010);
        Assert.Equal(frames, whole!.Frames);
        using (LogMelFile file = reader.Open(path))
            Assert.Equal(frames, file.FramesIfLong());
        Assert.Equal(frames, reader.ReadPieces(path, 208).Sum(piece => piece.Frames));
        Assert.Equal(frames, reader.Stream(path, _ => { }).Frames);
    }

    [Fact]
    public void A_crop_of_a_long_recording_is_the_same_in_sections_and_of_the_whole()
    {
        const int Frames = 208;
        string path = files.Encode(Noisy(70), "vbr.mp3", "-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0");
        using LogMelFile file = new LogMelReader(LogMelSettings.Default).Open(path);
        (OwnedLogMel? whole, int total) = file.ReadWhole();
        float[] expected = new float[80 * Frames], actual = new float[80 * Frames];
        for (ulong draw = 0; draw < 20; draw++)
        {
            var crop = new RandomStream(draw, RandomPurpose.Crop);
            whole!.View.CopyCrop(ref crop, Frames, ShortClips.Silence, expected);
            file.ReadSection(total, new RandomStream(draw, RandomPurpose.Crop), Frames, actual);
            for (int i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], 0.02f); // what rounding of the resampler does to the quietest bands
        }
    }

    [Theory]
    [InlineData("a.mp3", 6.0, 2, "-c:a", "libmp3lame", "-b:a", "96k")]
    [InlineData("a.mp3", 6.0, 3, "-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0")]
    [InlineData("a.ogg", 6.0, 2, "-c:a", "libvorbis")]
    [InlineData("a.opus", 6.0, 3, "-c:a", "libopus")]
    public void Streams_one_after_the_other_are_one_recording(string name, double seconds, int times, params string[] options)
    {
        string one = files.Encode(Noisy(seconds), name, options);
        string joined = files.Join("joined" + Path.GetExtension(name), [.. Enumerable.Repeat(one, times)]);

        float[] single = AudioFile.ReadMono(one, Rate), whole = AudioFile.ReadMono(joined, Rate);

        Assert.InRange(whole.Length, times * single.Length - 1000, times * single.Length + 3000);
        Assert.Equal(whole.Length, AudioFile.Measure(joined).Seconds * Rate, 1.0);
        float[] end = AudioFile.ReadMono(joined, Rate, seconds * times - 2, 1);
        for (int i = 0; i < end.Length; i++)
            Assert.Equal(whole[(int)(Math.Round((seconds * times - 2) * Rate) + i)], end[i], 2e-5f);
    }

    [Theory]
    [InlineData("ogg", "libvorbis", "22050", "1")]
    [InlineData("ogg", "libvorbis", "44100", "2")]
    [InlineData("mp3", "libmp3lame", "22050", "1")]
    [InlineData("mp3", "libmp3lame", "44100", "2")]
    public void Streams_of_another_rate_or_number_of_channels_follow_too(string format, string codec, string rate, string channels)
    {
        string first = files.Encode(Noisy(6), $"first.{format}", "-c:a", codec);
        string second = files.Encode(Noisy(6), $"second.{format}", "-c:a", codec, "-ar", rate, "-ac", channels);

        string joined = files.Join($"joined.{format}", first, second);
        float[] whole = AudioFile.ReadMono(joined, Rate);

        Assert.InRange(whole.Length, 12 * Rate - 1000, 12 * Rate + 2500);
        Assert.Equal(whole.Length, AudioFile.Measure(joined).Seconds * Rate, 1.0);
        float[] end = AudioFile.ReadMono(joined, Rate, 10, 1);
        for (int i = 0; i < end.Length; i++)
            Assert.Equal(whole[10 * Rate + i], end[i], 2e-5f);
    }

    [Theory]
    [InlineData(null, 0u)]
    [InlineData(0u, 0u)]
    [InlineData(36u, 0u)]
    [InlineData(0xFFFFFFFFu, 0xFFFFFFFFu)]
    [InlineData(0u, 0xFFFFFFFFu)]
    [InlineData(0x7FFFF024u, 0x7FFFF000u)]
    public void A_wav_whose_sizes_were_never_filled_in_is_read_to_its_end(uint? riff, uint data)
    {
        byte[] wav = File.ReadAllBytes(files.Write("a.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 6, Rate), Rate));
        float[] expected = AudioFile.ReadMono(files.PathOf("a.wav"), Rate);
        if (riff is { } size)
            BinaryPrimitives.WriteUInt32LittleEndian(wav.AsSpan(4), size);
        BinaryPrimitives.WriteUInt32LittleEndian(wav.AsSpan(40), data);

        string path = files.WriteBytes("unfinished.wav", wav);

        Assert.Equal(expected, AudioFile.ReadMono(path, Rate));
        Assert.Equal(expected[(3 * Rate)..(4 * Rate)], AudioFile.ReadMono(path, Rate, 3, 1));
    }

    [Fact]
    public void An_rf64_without_sizes_is_read_to_its_end()
    {
        string path = files.Encode(files.Write("a.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 6, Rate), Rate), "b.wav", "-rf64", "always");
        byte[] wav = File.ReadAllBytes(path);
        Assert.Equal("ds64"u8, wav.AsSpan(12, 4));
        wav.AsSpan(20, 24).Clear();
        Assert.Equal(6 * Rate, AudioFile.ReadMono(files.WriteBytes("unfinished.wav", wav), Rate).Length);
    }

    [Fact]
    public void A_wav_that_says_it_is_empty_and_has_words_behind_stays_empty()
    {
        byte[] wav = File.ReadAllBytes(files.Write("a.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 1, Rate), Rate))[..44];
        BinaryPrimitives.WriteUInt32LittleEndian(wav.AsSpan(40), 0);
        string path = files.WriteBytes("words.wav", [.. wav, .. "LIST\u0004\0\0\0INFO"u8]);
        Assert.Contains("no samples", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, Rate)).Reason);
    }

    [Fact]
    public void The_first_samples_of_aac_are_sound()
    {
        string wav = files.Write("a.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 3, Rate), Rate);
        float[] expected = AudioFile.ReadMono(wav, Rate), actual = AudioFile.ReadMono(files.Encode(wav, "a.m4a", "-b:a", "128k"), Rate);
        double error = expected.Zip(actual, (a, b) => (double)(a - b) * (a - b)).Take(448).Average(); // so many were zero when ffmpeg was told to seek to 0
        Assert.InRange(error, 0, 0.01);
    }

    [Fact]
    public void What_is_too_long_to_be_read_at_once_is_refused_instead_of_cut()
    {
        const int Slow = 100;
        string path = files.Write("hours.wav", SoundFiles.WavPcm16, SoundFiles.Tone(10, 3700, Slow), Slow);
        Assert.Contains("longer than 3600 s", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, Slow)).Reason);
        Assert.Equal(3700 * Slow, AudioFile.ReadMono(path, Slow, maxSeconds: 5000).Length);
    }

    /// <summary>Sound that begins quietly, so that a bit rate guessed from its beginning is too low or too high.</summary>
    private string Noisy(double seconds)
    {
        var noise = new RandomStream(7, RandomPurpose.Crop);
        float[] samples = SoundFiles.Tone(440, seconds, Second, 0.2);
        for (int i = 0; i < samples.Length; i++)
            samples[i] = i < Second / 2 ? 0 : samples[i] + 0.2f * (float)(noise.NextDouble() - 0.5);
        return files.Write("noisy.wav", SoundFiles.WavPcm16, samples, Second);
    }
}

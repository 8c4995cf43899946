using OtoMask.Audio;

namespace OtoMask.Tests.Audio;

public sealed class AudioFileTests : IDisposable
{
    private readonly SoundFiles files = new();

    public void Dispose() => files.Dispose();

    [Theory]
    [InlineData("a.wav", SoundFiles.WavPcm16, 44100, 0.001)]
    [InlineData("a.wav", SoundFiles.WavFloat, 48000, 0.001)]
    [InlineData("a.flac", SoundFiles.Flac16, 22050, 0.001)]
    [InlineData("a.ogg", SoundFiles.OggVorbis, 44100, 0.02)]
    [InlineData("a.opus", SoundFiles.OggOpus, 48000, 0.02)]
    [InlineData("a.mp3", SoundFiles.Mp3, 44100, 0.02)]
    [InlineData("named-wrongly.wav", SoundFiles.OggVorbis, 44100, 0.02)]
    public void A_tone_keeps_pitch_amplitude_and_duration_in_every_format(string name, int format, int rate, double tolerance)
    {
        string path = files.Write(name, format, SoundFiles.Tone(1000, 2, rate), rate);

        float[] read = AudioFile.ReadMono(path, 16000);

        Assert.InRange(read.Length, 31000, 35000);
        Assert.Equal(0.5, SoundFiles.AmplitudeAt(1000, read.AsSpan(8000, 16000), 16000), tolerance);
        Assert.InRange(AudioFile.Describe(path).Seconds, 1.95, 2.2);
        Assert.Equal((rate, 1), (AudioFile.Describe(path).SampleRate, AudioFile.Describe(path).Channels));
    }

    [Theory]
    [InlineData(44100, 16000)]
    [InlineData(8000, 16000)]
    [InlineData(11025, 32000)]
    [InlineData(96000, 16000)]
    [InlineData(16000, 16000)]
    public void Resampling_gives_the_samples_of_the_same_sound(int from, int to)
    {
        string path = files.Write("a.wav", SoundFiles.WavFloat, SoundFiles.Tone(440, 2, from), from);
        float[] expected = SoundFiles.Tone(440, 2, to);

        float[] actual = AudioFile.ReadMono(path, to);

        Assert.Equal(expected.Length, actual.Length);
        for (int i = to / 2; i < to * 3 / 2; i++)
            Assert.Equal(expected[i], actual[i], 1e-4);
    }

    [Fact]
    public void What_the_new_rate_cannot_hold_is_removed()
    {
        string path = files.Write("a.wav", SoundFiles.WavFloat, SoundFiles.Tone(9000, 1, 44100), 44100);
        Assert.All(AudioFile.ReadMono(path, 16000)[2000..14000], sample => Assert.Equal(0, sample, 1e-4));
    }

    [Fact]
    public void Channels_are_averaged()
    {
        float[] left = SoundFiles.Tone(500, 1, 16000), interleaved = new float[left.Length * 3];
        for (int i = 0; i < left.Length; i++)
            (interleaved[3 * i], interleaved[3 * i + 1], interleaved[3 * i + 2]) = (left[i], 0.3f, -left[i] + 0.3f);
        string path = files.Write("three.wav", SoundFiles.WavFloat, interleaved, 16000, channels: 3);

        Assert.All(AudioFile.ReadMono(path, 16000), sample => Assert.Equal(0.2f, sample, 1e-6f));
        Assert.Equal((3, 16000L), (AudioFile.Describe(path).Channels, AudioFile.Describe(path).Frames));
    }

    [Theory]
    [InlineData("a.wav", SoundFiles.WavFloat, 44100, 16000)]
    [InlineData("a.wav", SoundFiles.WavFloat, 16000, 16000)]
    [InlineData("a.wav", SoundFiles.WavFloat, 44101, 16000)]
    [InlineData("a.flac", SoundFiles.Flac16, 48000, 32000)]
    public void A_section_is_a_slice_of_the_whole(string name, int format, int rate, int to)
    {
        string path = files.Write(name, format, Sweep(rate * 5), rate);
        float[] whole = AudioFile.ReadMono(path, to);
        foreach ((double start, double length) in ((double, double)[])[(0, 1.5), (0.01, 0.5), (1.2345, 2), (4.5, 10)])
        {
            float[] section = AudioFile.ReadMono(path, to, start, length);
            int first = (int)Math.Round(start * to);
            Assert.Equal((int)Math.Min(Math.Round(length * to), whole.Length - first), section.Length);
            for (int i = 0; i < section.Length; i++)
                Assert.Equal(whole[first + i], section[i], 2e-4f);
        }
        Assert.Contains("no sound after 9 s", Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, to, 9, 1)).Message);
    }

    [Theory]
    [InlineData("a.ogg", SoundFiles.OggVorbis)]
    [InlineData("a.mp3", SoundFiles.Mp3)]
    public void A_section_of_a_lossy_file_lies_within_50_ms_of_its_place(string name, int format)
    {
        const int Rate = 16000, First = 2 * Rate, Length = 2000, Furthest = Rate / 20;
        string path = files.Write(name, format, Sweep(44100 * 5), 44100);

        float[] whole = AudioFile.ReadMono(path, Rate), section = AudioFile.ReadMono(path, Rate, 2, 1);

        Assert.Equal(Rate, section.Length);
        float[] sought = section[^Length..];
        double nearest = Enumerable.Range(-Furthest, 2 * Furthest).Min(shift =>
            sought.Select((sample, i) => Math.Abs(sample - whole[First + Rate - Length + shift + i])).Average());
        Assert.InRange(nearest, 0, 0.02);
    }

    [Fact]
    public void A_header_that_claims_hours_costs_no_memory()
    {
        byte[] flac = File.ReadAllBytes(files.Write("a.flac", SoundFiles.Flac16, SoundFiles.Tone(440, 1, 16000), 16000));
        // STREAMINFO: 36 bits of total samples end at byte 26 of the file.
        flac[21] |= 0x0F;
        flac.AsSpan(22, 4).Fill(0xFF);
        string path = files.WriteBytes("claims.flac", flac);
        Assert.True(AudioFile.Describe(path).Seconds > 1_000_000);

        long before = GC.GetAllocatedBytesForCurrentThread();
        float[] read = AudioFile.ReadMono(path, 16000);

        Assert.Equal(16000, read.Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    [Fact]
    public void A_wav_header_that_claims_more_than_the_file_holds_gives_what_is_there()
    {
        byte[] wav = File.ReadAllBytes(files.Write("a.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 1, 16000), 16000));
        BitConverter.TryWriteBytes(wav.AsSpan(40), 0x7FFFFFF0);
        Assert.Equal(16000, AudioFile.ReadMono(files.WriteBytes("lies.wav", wav), 16000).Length);
    }

    [Fact]
    public void Reading_stops_at_the_cap()
    {
        string path = files.Write("a.ogg", SoundFiles.OggVorbis, SoundFiles.Tone(440, 5, 44100), 44100);
        Assert.Equal(12000, AudioFile.ReadMono(path, 16000, 0.75).Length);
        Assert.Equal(80000, AudioFile.ReadMono(path, 16000, double.PositiveInfinity).Length);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_single_bad_sample_makes_a_file_unreadable(float bad)
    {
        for (int place = 0; place < 40; place += 13)
        {
            float[] samples = new float[40];
            samples[place] = bad;
            string path = files.Write("bad.wav", SoundFiles.WavFloat, samples, 16000);
            UnreadableAudioException thrown = Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, 16000));
            Assert.Contains("contains NaN", thrown.Reason);
            Assert.Equal(path, thrown.Path);
        }
    }

    [Fact]
    public void Bad_files_are_unreadable_with_a_reason_that_helps()
    {
        byte[] wav = File.ReadAllBytes(files.Write("whole.wav", SoundFiles.WavPcm16, SoundFiles.Tone(440, 1, 16000), 16000));
        byte[] rateless = [.. wav];
        rateless.AsSpan(24, 4).Clear();
        byte[] racing = [.. wav];
        BitConverter.TryWriteBytes(racing.AsSpan(24), int.MaxValue);

        AssertUnreadable("no such file", files.PathOf("none.wav"));
        AssertUnreadable("no such file", files.PathOf("none/none.wav"));
        AssertUnreadable("folder", files.Folder);
        AssertUnreadable("", "");
        AssertUnreadable("", "a\0.wav");
        AssertUnreadable("", "/dev/null");
        AssertUnreadable("zero bytes", files.WriteBytes("empty.wav", []));
        AssertUnreadable("zero bytes", files.WriteBytes("empty.m4a", []));
        AssertUnreadable("not readable as audio", files.WriteBytes("text.wav", "These are words, not sounds."u8.ToArray()));
        AssertUnreadable("not readable as audio", files.WriteBytes("text.mp3", "These are words, not sounds."u8.ToArray()));
        AssertUnreadable("not readable as audio", files.WriteBytes("cut.wav", wav[..20]));
        AssertUnreadable("no samples", files.WriteBytes("soundless.wav", wav[..44]));
        AssertUnreadable("", files.WriteBytes("rateless.wav", rateless));
        AssertUnreadable($"{int.MaxValue} Hz", files.WriteBytes("racing.wav", racing));
    }

    [Fact]
    public void A_pipe_is_unreadable()
    {
        using System.IO.Pipes.AnonymousPipeServerStream pipe = new(System.IO.Pipes.PipeDirection.Out);
        AssertUnreadable("pipe", $"/dev/fd/{pipe.GetClientHandleAsString()}");
    }

    [Fact]
    public void A_forbidden_file_is_unreadable()
    {
        if (Environment.IsPrivilegedProcess || OperatingSystem.IsWindows())
            return; // Nothing is forbidden to root, and Windows has no such modes.
        string path = files.Write("a.wav", SoundFiles.WavPcm16, new float[10], 16000);
        File.SetUnixFileMode(path, UnixFileMode.None);
        AssertUnreadable("permission denied", path);
    }

    [Fact]
    public void Damaged_files_end_in_samples_or_a_reason()
    {
        foreach ((string name, int format) in ((string, int)[])[("a.wav", SoundFiles.WavPcm16), ("a.flac", SoundFiles.Flac16), ("a.ogg", SoundFiles.OggVorbis), ("a.mp3", SoundFiles.Mp3)])
        {
            byte[] whole = File.ReadAllBytes(files.Write(name, format, SoundFiles.Tone(440, 1, 16000), 16000));
            for (int round = 0; round < 10; round++)
            {
                Randomness.RandomStream random = new(1, Randomness.RandomPurpose.Shuffle, format & 0xFF, round);
                byte[] bytes = whole[..(round % 3 == 0 ? random.NextInt32(whole.Length) + 1 : whole.Length)];
                for (int i = 0; i < round % 5; i++)
                    bytes[random.NextInt32(Math.Min(bytes.Length, round % 2 == 0 ? 200 : bytes.Length))] ^= (byte)(1 << random.NextInt32(8));
                string path = files.WriteBytes("damaged" + Path.GetExtension(name), bytes);
                try
                {
                    Assert.NotEmpty(AudioFile.ReadMono(path, 16000, 10));
                }
                catch (UnreadableAudioException e)
                {
                    Assert.NotEmpty(e.Reason);
                }
            }
        }
    }

    [Fact]
    public void Links_to_files_are_read()
    {
        string path = files.Write("a.wav", SoundFiles.WavPcm16, new float[10], 16000);
        File.CreateSymbolicLink(files.PathOf("link.wav"), path);
        Assert.Equal(10, AudioFile.ReadMono(files.PathOf("link.wav"), 16000).Length);
    }

    [Fact]
    public void Threads_may_read_at_once()
    {
        string good = files.Write("a.mp3", SoundFiles.Mp3, SoundFiles.Tone(440, 1, 44100), 44100), bad = files.WriteBytes("bad.wav", [1, 2, 3]);
        float[] expected = AudioFile.ReadMono(good, 16000);
        Parallel.For(0, 32, i =>
        {
            if (i % 4 == 0)
                AssertUnreadable("", bad);
            else
                Assert.Equal(expected, AudioFile.ReadMono(good, 16000));
        });
    }

    [Theory]
    [InlineData("a.flac", "FLAC")]
    [InlineData("a.wav", "WAV")]
    public void Written_files_hold_16_bits_limited_to_full_scale(string name, string format)
    {
        string path = files.PathOf(name);
        float[] samples = [0, 0.5f, -0.5f, 0.123456f, 1.5f, -7f, .. SoundFiles.Tone(440, 1, 8000)];
        if (format == "WAV")
            AudioFile.WriteWav(path, samples, 8000);
        else
            AudioFile.WriteFlac(path, samples, 8000);

        float[] read = AudioFile.ReadMono(path, 8000);
        Assert.Equal(samples.Length, read.Length);
        for (int i = 0; i < read.Length; i++)
            Assert.Equal(Math.Clamp(samples[i], -1, 1), read[i], 1f / 32767);
        Assert.Contains(format, AudioFile.Describe(path).Format);
        Assert.Contains("16 bit", AudioFile.Describe(path).Format);
        Assert.Equal([path], Directory.GetFileSystemEntries(files.Folder));
    }

    [Fact]
    public void A_failed_write_leaves_nothing_behind()
    {
        Assert.Throws<IOException>(() => AudioFile.WriteFlac(files.PathOf("a.flac"), [0f], sampleRate: -1));
        Assert.Throws<UserErrorException>(() => AudioFile.WriteWav(files.PathOf("no/a.wav"), [0f], 16000));
        Assert.Empty(Directory.GetFileSystemEntries(files.Folder));
    }

    [Theory]
    [InlineData("a.WAV", true)]
    [InlineData("x/y.b.Opus", true)]
    [InlineData("a.m4a", true)]
    [InlineData("a.txt", false)]
    [InlineData("wav", false)]
    public void Names_of_audio_files_are_known(string name, bool audio) => Assert.Equal(audio, AudioFile.HasAudioExtension(name));

    /// <summary>A tone that rises, so that every place sounds different.</summary>
    private static float[] Sweep(int samples) =>
        [.. Enumerable.Range(0, samples).Select(i => 0.5f * MathF.Sin(i * 0.01f + i * (i * 1e-7f)))];

    private static void AssertUnreadable(string reason, string path)
    {
        UnreadableAudioException thrown = Assert.Throws<UnreadableAudioException>(() => AudioFile.ReadMono(path, 16000));
        Assert.Contains(reason, thrown.Reason);
        Assert.StartsWith(OneLine.Of(path), thrown.Message);
        Assert.DoesNotContain(thrown.Message, char.IsControl);
    }
}

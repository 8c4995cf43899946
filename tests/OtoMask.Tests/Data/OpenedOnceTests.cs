using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.FineTuning;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Randomness;
using OtoMask.Tests.Audio;

namespace OtoMask.Tests.Data;

/// <summary>A read opens a file once, whatever has to be found out about it first; and reads what a file opened for that alone gives, to the bit.</summary>
public sealed class OpenedOnceTests : IDisposable
{
    private const int Rate = 16000, Frames = 96, LongSeconds = 70, ByPrograms = 2; // ffprobe and ffmpeg open the file themselves
    private readonly SoundFiles files = new();
    private readonly SoundFolder sounds = new();

    public void Dispose()
    {
        files.Dispose();
        sounds.Dispose();
    }

    public static TheoryData<string, double, int, string[]> Kinds()
    {
        var kinds = new TheoryData<string, double, int, string[]>();
        foreach (double seconds in (double[])[3, LongSeconds])
        {
            foreach (string name in (string[])["a.wav", "a.flac", "a.ogg", "a.opus"])
                kinds.Add(name, seconds, 1, []);
            kinds.Add("vbr.mp3", seconds, 1, ["-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0"]);
            kinds.Add("cbr.mp3", seconds, 1, ["-c:a", "libmp3lame", "-b:a", "96k"]);
            kinds.Add("a.m4a", seconds, 1 + ByPrograms, []);
        }
        return kinds;
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Crops(string name, double seconds, int once, string[] options)
    {
        string path = Encoded(name, seconds, options);
        var reader = new LogMelReader(LogMelSettings.Default);
        float[] expected = new float[80 * Frames];
        using (LogMelFile measured = reader.Open(path), alone = reader.Open(path))
        {
            int total = measured.FramesIfLong();
            if (total > 0)
                alone.ReadSection(total, Draw, Frames, expected);
            else
                Copy(alone.ReadWhole().LogMel!, expected);
            Assert.Equal(seconds > 60 && once == 1, total > 0);
        }

        using ClipSource source = ClipSource.Open(files.Folder, SoundFolder.Options with { MemoryBudget = 0 });
        using var opens = new FileOpens(path);
        for (int read = 0; read < 2; read++) // the first finds out how long the file is, the second knows
        {
            Assert.Equal(expected, CropOf(source));
            Assert.Equal(once, opens.Since());
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Waveforms_to_learn_from(string name, double seconds, int once, string[] options)
    {
        string path = Encoded(name, seconds, options);
        File.WriteAllText(files.PathOf("task.csv"), $"file_name,label,split\n{name},a,train\nother.wav,b,test\n");
        var input = new ClassifierInput(new InputGeometry(80, 208, 16, 16), LogMelSettings.Default, new NormalisationStatistics(0, 1), Rate);
        using var opens = new FileOpens(path);
        float[] whole = AudioFile.ReadMono(path, Rate);
        Assert.Equal(once, opens.Since());

        var clips = new TrainingClips(LabelledTask.Read(files.PathOf("task.csv")), [0], input, seed: 7, new BadFiles(), memoryBudget: 0);
        for (int read = 0; read < 2; read++)
        {
            float[] unit = clips.Read(epoch: 0, place: 0).Waveform;
            Assert.Equal(once, opens.Since());
            Assert.Equal(unit, clips.Read(epoch: 0, place: 0).Waveform);
            Assert.Equal(once, opens.Since());
            if (seconds < 60 || once > 1)
                Assert.True(whole.AsSpan().IndexOf(unit) >= 0);
        }
    }

    [Theory]
    [InlineData("a.flac"), InlineData("a.ogg"), InlineData("a.opus"), InlineData("a.mp3"), InlineData("a.wav")]
    public void What_ends_before_its_own_count(string name)
    {
        string path = Encoded(name, LongSeconds);
        byte[] bytes = File.ReadAllBytes(path);
        File.WriteAllBytes(path, bytes[..(bytes.Length * 9 / 10)]);
        float[] expected = new float[80 * Frames];
        Exception? problem = Record.Exception(() => Copy(new LogMelReader(LogMelSettings.Default).ReadWhole(path).LogMel!, expected));

        using ClipSource source = ClipSource.Open(files.Folder, SoundFolder.Options with { MemoryBudget = 0 });
        using var opens = new FileOpens(path);
        float[] actual = new float[80 * Frames];
        Exception? again = Record.Exception(() => actual = CropOf(source));
        Assert.Equal(1, opens.Since());
        Assert.Equal(problem?.Message, again?.Message);
        using LogMelFile file = new LogMelReader(LogMelSettings.Default).Open(path);
        if (file.FramesIfLong() == 0)
            Assert.Equal(expected, actual);
    }

    [Fact]
    public void Streams_that_were_joined()
    {
        string one = Encoded("one.ogg", 40), path = files.Join("joined.ogg", one, one);
        File.Delete(one);
        using ClipSource source = ClipSource.Open(files.Folder, SoundFolder.Options with { MemoryBudget = 0 });
        using var opens = new FileOpens(path);
        float[] first = CropOf(source);
        Assert.Equal(1, opens.Since());
        Assert.Equal(first, CropOf(source));
        Assert.Equal(1, opens.Since());
    }

    [Fact]
    public void What_is_too_long_for_memory_is_known_when_it_has_been_read_and_read_in_sections_from_then_on()
    {
        string path = Encoded("a.flac", 8);
        var careful = new LogMelReader(LogMelSettings.Default) { LongestSeconds = 5 };
        float[] window = new float[80 * Frames], expected = new float[80 * Frames];
        using (LogMelFile alone = careful.Open(path))
            alone.ReadSection(801, Draw, Frames, expected);
        using var opens = new FileOpens(path);
        using (LogMelFile file = careful.Open(path))
        {
            Assert.Equal((null, 801), file.ReadUnlessLong(long.MaxValue));
            file.ReadSection(801, Draw, Frames, window);
        }
        Assert.Equal(1, opens.Since());
        Assert.Equal(expected, window);
    }

    [Fact]
    public void A_long_one_is_read_in_sections_unless_a_crop_takes_half_of_it()
    {
        string path = Encoded("a.flac", LongSeconds);
        var reader = new LogMelReader(LogMelSettings.Default);
        using LogMelFile file = reader.Open(path);
        Assert.Equal((null, 7001), file.ReadUnlessLong(7000));
        float[] expected = new float[80 * Frames], window = new float[80 * Frames];
        Copy(reader.ReadWhole(path).LogMel!, expected);
        Copy(file.ReadUnlessLong(7001).LogMel!, window);
        Assert.Equal(expected, window);
    }

    [Fact]
    public void A_log_mel_is_in_memory_as_soon_as_it_is_read_however_long_it_is()
    {
        NpyFile.Write(sounds["a.npy"], [.. Enumerable.Range(0, 80 * 700).Select(i => -i * 1e-4f)], 80, 700);
        var careful = new LogMelReader(LogMelSettings.Default) { LongestSeconds = 5 };
        Assert.Equal(700, careful.ReadWhole(sounds["a.npy"]).LogMel?.Frames);
    }

    private static RandomStream Draw => new(7, RandomPurpose.Crop);

    private static void Copy(OwnedLogMel whole, float[] window)
    {
        RandomStream crop = Draw;
        whole.View.CopyCrop(ref crop, Frames, ShortClips.Silence, window);
    }

    private static float[] CropOf(ClipSource source)
    {
        float[] window = new float[80 * Frames];
        source.ReadCrop(0, Draw, Frames, ShortClips.Silence, window);
        return window;
    }

    private string Encoded(string name, double seconds, params string[] options) =>
        files.Encode(sounds.Add("sound.wav", seconds, seed: 5, 44100)["sound.wav"], name, options);
}

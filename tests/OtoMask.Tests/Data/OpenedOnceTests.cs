using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Randomness;
using OtoMask.Tests.Audio;

namespace OtoMask.Tests.Data;

/// <summary>What is not long is opened once to be read, though nobody knew before whether it is long; and read as if it had been asked for whole.</summary>
public sealed class OpenedOnceTests : IDisposable
{
    private const int Rate = 16000, Frames = 96;
    private readonly SoundFiles files = new();
    private readonly SoundFolder sounds = new();

    public void Dispose()
    {
        files.Dispose();
        sounds.Dispose();
    }

    [Theory]
    [InlineData("a.wav"), InlineData("a.flac"), InlineData("a.ogg"), InlineData("a.opus")]
    [InlineData("vbr.mp3", "-c:a", "libmp3lame", "-q:a", "4", "-write_xing", "0")]
    [InlineData("cbr.mp3", "-c:a", "libmp3lame", "-b:a", "96k")]
    public void A_short_recording(string name, params string[] options)
    {
        string path = files.Encode(sounds.Add("sound.wav", 3, seed: 5, 44100)["sound.wav"], name, options);
        float[] window = new float[80 * Frames], expected = new float[80 * Frames];
        RandomStream crop = new(7, RandomPurpose.Crop);
        using ClipSource source = ClipSource.Open(Path.GetDirectoryName(path)!, SoundFolder.Options with { MemoryBudget = 0 });
        using var opens = new FileOpens(path);

        for (int read = 0; read < 2; read++)
        {
            source.ReadCrop(0, crop, Frames, ShortClips.Silence, window);
            Assert.Equal(1, opens.Since());
        }
        Assert.NotNull(AudioFile.ReadMonoUnlessLong(path, Rate, 60));
        Assert.Equal(1, opens.Since());

        new LogMelReader(LogMelSettings.Default).ReadWhole(path).LogMel!.View.CopyCrop(ref crop, Frames, ShortClips.Silence, expected);
        Assert.Equal(expected, window);
        Assert.Equal(AudioFile.ReadMono(path, Rate), AudioFile.ReadMonoUnlessLong(path, Rate, 60));
    }

    [Fact]
    public void A_long_one_is_read_in_sections_unless_a_crop_takes_half_of_it()
    {
        string path = files.Encode(sounds.Add("sound.wav", 70, seed: 5, 44100)["sound.wav"], "a.flac");
        var reader = new LogMelReader(LogMelSettings.Default);
        Assert.Equal((null, 7001), reader.ReadUnlessLong(path, 7000));
        Assert.Equal(7001, reader.ReadUnlessLong(path, 7001).LogMel!.Frames);
        Assert.Null(AudioFile.ReadMonoUnlessLong(path, Rate, 60));
    }
}

using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Interop;
using OtoMask.Randomness;

namespace OtoMask.Tests.Data;

public sealed class ClipSourceTests : IDisposable
{
    private const int Bands = 80;
    private readonly SoundFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static RandomStream Crop(int index) => new(7, RandomPurpose.Crop, 0, index);

    private static float[] ReadCrop(ClipSource source, int clip, int frames, int crop = 0, ShortClips shortClips = ShortClips.Silence)
    {
        float[] window = new float[Bands * frames];
        source.ReadCrop(clip, Crop(crop), frames, shortClips, window);
        return window;
    }

    private static float LargestDifference(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Assert.Equal(a.Length, b.Length);
        float largest = 0;
        for (int i = 0; i < a.Length; i++)
            largest = Math.Max(largest, Math.Abs(a[i] - b[i]));
        return largest;
    }

    /// <summary>Frames first .. first + count - 1, band after band.</summary>
    private static float[] Section(LogMel logMel, int first, int count) =>
        [.. Enumerable.Range(0, logMel.Bands).SelectMany(band => logMel.Values.AsSpan(band * logMel.Frames + first, count).ToArray())];

    private static void AssertIsSomeCrop(LogMel whole, float[] crop, int frames, float tolerance) =>
        Assert.Contains(Enumerable.Range(0, whole.Frames - frames + 1), start => LargestDifference(Section(whole, start, frames), crop) <= tolerance);

    [Fact]
    public void A_folder_is_listed_at_any_depth_in_ordinal_order()
    {
        folder.Add("b/z.wav", 0.1, 1).Add("b/a.WAV", 0.1, 2).Add("Z.wav", 0.1, 3).Add("a.wav", 0.1, 4).AddText("notes.txt", "no audio");
        using ClipSource source = folder.Open();
        Assert.Equal(["Z.wav", "a.wav", "b/a.WAV", "b/z.wav"], source.Clips.Select(clip => clip.Name));
        Assert.All(source.Clips, clip => Assert.Equal(new FileInfo(clip.Path).Length, clip.Bytes));
    }

    [Fact]
    public void Links_to_folders_are_followed_and_loops_end()
    {
        using var elsewhere = new SoundFolder();
        elsewhere.Add("x.wav", 0.1, 1);
        folder.Add("in/a.wav", 0.1, 1);
        Directory.CreateSymbolicLink(folder["in/loop"], folder.Path);
        Directory.CreateSymbolicLink(folder["in/other"], elsewhere.Path);
        File.CreateSymbolicLink(folder["self.wav"], folder["self.wav"]);
        using ClipSource source = folder.Open();
        Assert.Equal(["in/a.wav", "in/other/x.wav", "self.wav"], source.Clips.Select(clip => clip.Name));
        Assert.Throws<BadClipException>(() => ReadCrop(source, 2, 16));
    }

    [Fact]
    public void The_manifest_hash_follows_names_and_sizes()
    {
        string Hash()
        {
            using ClipSource source = folder.Open();
            return source.Clips.ManifestHash;
        }
        folder.AddClips(3);
        string first = Hash();
        Assert.Equal(first, Hash());
        folder.Add("03.wav", 0.2, 9);
        string second = Hash();
        folder.Add("03.wav", 0.3, 9);
        Assert.Equal(3, new[] { first, second, Hash() }.Distinct().Count());
    }

    [Fact]
    public void A_csv_names_clips_relative_to_itself_or_a_root()
    {
        folder.AddClips(2).AddText("list.csv", "label,file_name\nx,01.wav\ny,missing.wav\n");
        using ClipSource source = ClipSource.Open(folder["list.csv"], SoundFolder.Options);
        Assert.Equal(["01.wav", "missing.wav"], source.Clips.Select(clip => clip.Name));
        Assert.Equal(Bands * 16, ReadCrop(source, 0, 16).Length);
        Assert.Contains("no such file", Assert.Throws<BadClipException>(() => ReadCrop(source, 1, 16)).Reason);

        using var lists = new SoundFolder();
        lists.AddText("list.csv", "file_name\n00.wav\n");
        using ClipSource rooted = ClipSource.Open(lists["list.csv"], SoundFolder.Options with { Root = folder.Path });
        Assert.Equal(folder["00.wav"], rooted.Clips[0].Path);
    }

    [Theory]
    [InlineData("file,label\na.wav,x\n", "no column 'file_name': its columns are file, label")]
    [InlineData("file_name\n", "names no clips")]
    [InlineData("file_name,x\n,1\n", "line 2: file_name is empty")]
    [InlineData("", "is empty")]
    public void Mistakes_in_a_csv_are_named(string csv, string said) =>
        Assert.Contains(said, Assert.Throws<UserErrorException>(() => ClipSource.Open(folder.AddText("list.csv", csv)["list.csv"], SoundFolder.Options)).Message);

    [Fact]
    public void What_is_no_data_set_is_refused_with_a_remedy()
    {
        Assert.Contains("holds no audio", Assert.Throws<UserErrorException>(() => folder.Open()).Message);
        Assert.Contains("there is no folder or file", Assert.Throws<UserErrorException>(() => ClipSource.Open(folder["none"], SoundFolder.Options)).Message);
        folder.AddText("notes.txt", "");
        Assert.Contains("neither a folder", Assert.Throws<UserErrorException>(() => ClipSource.Open(folder["notes.txt"], SoundFolder.Options)).Message);
    }

    [Fact]
    public void A_long_clip_gives_crops_of_its_log_mel_all_of_them_reachable()
    {
        folder.Add("a.wav", 0.4, 1);
        using ClipSource source = folder.Open();
        LogMel whole = new LogMelExtractor(LogMelSettings.Default).Compute(AudioFile.ReadMono(folder["a.wav"], SoundFolder.Rate));
        var starts = new HashSet<int>();
        for (int crop = 0; crop < 200; crop++)
        {
            float[] window = ReadCrop(source, 0, 32, crop);
            starts.Add(Enumerable.Range(0, whole.Frames - 31).Single(start => LargestDifference(Section(whole, start, 32), window) == 0));
        }
        Assert.Equal(Enumerable.Range(0, whole.Frames - 31), starts.Order());
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(0.3033)]
    [InlineData(0.3097)]
    [InlineData(0.01)]
    [InlineData(0.0001)]
    [InlineData(0.0199)]
    [InlineData(0.93)]
    public void A_short_clip_is_the_log_mel_of_its_zero_padded_waveform(double seconds)
    {
        const int Frames = 96;
        folder.Add("a.wav", seconds, 3);
        using ClipSource source = folder.Open();
        float[] padded = new float[Frames * 160];
        AudioFile.ReadMono(folder["a.wav"], SoundFolder.Rate).CopyTo(padded, 0);
        float[] expected = Section(new LogMelExtractor(LogMelSettings.Default).Compute(padded), 0, Frames);
        Assert.InRange(LargestDifference(expected, ReadCrop(source, 0, Frames)), 0, 1e-6f);
    }

    [Fact]
    public void A_short_clip_is_repeated_on_request()
    {
        folder.Add("a.wav", 0.295, 3);
        using ClipSource source = folder.Open();
        LogMel whole = new LogMelExtractor(LogMelSettings.Default).Compute(AudioFile.ReadMono(folder["a.wav"], SoundFolder.Rate));
        float[] window = ReadCrop(source, 0, 96, 0, ShortClips.Repeat);
        for (int band = 0; band < Bands; band++)
            for (int frame = 0; frame < 96; frame++)
                Assert.Equal(whole.Values[band * whole.Frames + frame % whole.Frames], window[band * 96 + frame]);
    }

    [Fact]
    public void Log_mel_arrays_are_cropped_and_padded_with_silence()
    {
        float[] values = [.. Enumerable.Range(0, Bands * 20).Select(i => i * 0.01f)];
        NpyFile.Write(folder["a.npy"], values, 1, Bands, 20);
        NpyFile.Write(folder["b.npy"], values, Bands, 20);
        NpyFile.Write(folder["c.npy"], values, 40, 40);
        using ClipSource source = folder.Open();
        float[] window = ReadCrop(source, 0, 32);
        Assert.Equal(window, ReadCrop(source, 1, 32));
        for (int band = 0; band < Bands; band++)
        {
            Assert.Equal(values.AsSpan(band * 20, 20), window.AsSpan(band * 32, 20));
            Assert.All(window.AsSpan(band * 32 + 20, 12).ToArray(), value => Assert.Equal(LogMel.Silence, value));
        }
        AssertIsSomeCrop(new LogMel(Bands, 20, values), ReadCrop(source, 0, 16), 16, 0);
        Assert.Contains("[40, 40]", Assert.Throws<BadClipException>(() => ReadCrop(source, 2, 16)).Reason);
    }

    [Theory]
    [InlineData(16000)]
    [InlineData(44100)]
    public void Of_a_long_recording_only_a_section_is_decoded_and_equals_the_whole(int rate)
    {
        folder.Add("long.wav", 61.3, 5, rate);
        using ClipSource source = folder.Open();
        LogMel whole = new LogMelExtractor(LogMelSettings.Default).Compute(AudioFile.ReadMono(folder["long.wav"], SoundFolder.Rate));
        for (int crop = 0; crop < 8; crop++)
        {
            RandomStream random = Crop(crop);
            int start = random.NextInt32(whole.Frames - 96 + 1);
            Assert.InRange(LargestDifference(Section(whole, start, 96), ReadCrop(source, 0, 96, crop)), 0, rate == 16000 ? 1e-5f : 2e-3f);
        }
    }

    [Theory]
    [InlineData("<i2", "holds values of type '<i2'")]
    [InlineData(">f4", "holds values of type '>f4'")]
    [InlineData("|O", "holds values of type '|O'")]
    public void A_log_mel_of_another_type_is_refused_with_its_reason_alone(string type, string reason)
    {
        byte[] head = NpyHeader.Encode(type, [Bands, 20]);
        File.WriteAllBytes(folder["other.npy"], [.. head, .. new byte[Bands * 20 * 4]]);
        using ClipSource source = folder.Open();
        Assert.StartsWith($"it {reason}", Assert.Throws<BadClipException>(() => ReadCrop(source, 0, 16)).Reason);
    }

    [Fact]
    public void Files_that_cannot_be_used_say_why()
    {
        float[] nan = new float[Bands * 20];
        nan[^1] = float.NaN;
        NpyFile.Write(folder["nan.npy"], nan, Bands, 20);
        folder.AddText("text.wav", "this is no sound").AddText("zero.wav", "");
        using ClipSource source = folder.Open();
        for (int clip = 0; clip < source.Clips.Count; clip++)
        {
            string reason = Assert.Throws<BadClipException>(() => ReadCrop(source, clip, 16)).Reason;
            Assert.NotEmpty(reason);
            Assert.DoesNotContain('\n', reason);
        }
    }
}

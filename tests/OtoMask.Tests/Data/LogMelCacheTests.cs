using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Interop;
using OtoMask.Randomness;

namespace OtoMask.Tests.Data;

public sealed class LogMelCacheTests : IDisposable
{
    private const int Frames = 96;
    private readonly SoundFolder folder = new(), caches = new();

    public void Dispose()
    {
        folder.Dispose();
        caches.Dispose();
    }

    private CacheSummary Prepare(string name = "cache", int workers = 2, IProgress<WorkProgress>? progress = null, CancellationToken cancellation = default)
    {
        using ClipSource source = folder.Open();
        return LogMelCache.Prepare(source.Clips, LogMelSettings.Default, caches[name], workers, progress, cancellation);
    }

    private ClipSource OpenCache(string name = "cache") => ClipSource.Open(caches[name], SoundFolder.Options);

    private static void AssertSameCrops(ClipSource expected, ClipSource actual, float tolerance)
    {
        Assert.Equal(expected.Clips.Count, actual.Clips.Count);
        Assert.Equal(expected.Clips.ManifestHash, actual.Clips.ManifestHash);
        float[] first = new float[80 * Frames], second = new float[80 * Frames];
        for (int clip = 0; clip < expected.Clips.Count; clip++)
        {
            foreach (ShortClips shortClips in Enum.GetValues<ShortClips>())
            {
                var crop = new RandomStream(3, RandomPurpose.Crop, 0, clip);
                expected.ReadCrop(clip, crop, Frames, shortClips, first);
                actual.ReadCrop(clip, crop, Frames, shortClips, second);
                for (int i = 0; i < first.Length; i++)
                    Assert.InRange(second[i], first[i] - tolerance, first[i] + tolerance);
            }
        }
    }

    private byte[][] Files(string name) =>
        [.. new[] { "log-mels.f32", "clips.jsonl", "bad-files.csv", "cache.json" }.Select(file => File.ReadAllBytes(Path.Combine(caches[name], file)))];

    [Fact]
    public void A_cache_gives_the_crops_that_the_files_give()
    {
        folder.AddClips(8);
        NpyFile.Write(folder["array.npy"], [.. Enumerable.Range(0, 80 * 20).Select(i => -i * 0.01f)], 80, 20);
        CacheSummary summary = Prepare();
        Assert.Equal((9, 0), (summary.Clips, summary.BadClips));
        using ClipSource source = folder.Open(), cache = OpenCache();
        AssertSameCrops(source, cache, 1e-6f);
    }

    [Fact]
    public void A_long_recording_streams_through_in_sections_without_a_seam()
    {
        folder.Add("long.wav", 200.123, 1);
        Prepare();
        using ClipSource cache = OpenCache();
        LogMel whole = new LogMelExtractor(LogMelSettings.Default).Compute(AudioFile.ReadMono(folder["long.wav"], SoundFolder.Rate));
        float[] values = new float[80 * whole.Frames];
        cache.ReadCrop(0, new RandomStream(1, RandomPurpose.Crop), whole.Frames, ShortClips.Silence, values);
        for (int i = 0; i < values.Length; i++)
            Assert.InRange(values[i], whole.Values[i] - 1e-5f, whole.Values[i] + 1e-5f);
    }

    [Fact]
    public void The_files_do_not_depend_on_the_number_of_threads()
    {
        folder.AddClips(9).AddText("bad.wav", "bad");
        Prepare("one", workers: 1);
        Prepare("many", workers: 5);
        Assert.Equal(Files("one"), Files("many"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(11)]
    public void A_cancelled_preparation_goes_on_where_it_stopped(int stopAt)
    {
        folder.AddClips(12).AddText("03a.wav", "bad");
        Prepare("straight");

        using var cancellation = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Prepare(progress: new Relay<WorkProgress>(told => { if (told.Done == stopAt) cancellation.Cancel(); }), cancellation: cancellation.Token));
        Assert.Contains("unfinished", Assert.Throws<UserErrorException>(() => OpenCache()).Message);

        int first = -1;
        Prepare(progress: new Relay<WorkProgress>(told => first = first < 0 ? told.Done : first));
        Assert.Equal(stopAt, first);
        Assert.Equal(Files("straight"), Files("cache"));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-17, 0)]
    [InlineData(0, -5)]
    [InlineData(12345, 0)]
    [InlineData(-200_000, 0)]
    public void A_killed_preparation_goes_on_whatever_the_kill_left(int dataChange, int indexChange)
    {
        folder.AddClips(10);
        Prepare("straight");

        using var cancellation = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => Prepare(progress: new Relay<WorkProgress>(told => { if (told.Done == 7) cancellation.Cancel(); }), cancellation: cancellation.Token));
        Resize(Path.Combine(caches["cache"], "log-mels.f32"), dataChange);
        Resize(Path.Combine(caches["cache"], "clips.jsonl"), indexChange);

        Prepare();
        Assert.Equal(Files("straight"), Files("cache"));
    }

    private static void Resize(string path, int change)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength(Math.Max(0, file.Length + change));
    }

    [Fact]
    public void Preparing_twice_does_nothing_the_second_time()
    {
        folder.AddClips(3);
        CacheSummary first = Prepare();
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(caches["cache"], "cache.json"));
        Assert.Equal(first, Prepare());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(caches["cache"], "cache.json")));
    }

    [Fact]
    public void Bad_files_are_listed_and_stay_bad()
    {
        folder.AddClips(3).AddText("00a.wav", "bad").AddText("zero.wav", "");
        Assert.Equal((5, 2), (Prepare().Clips, Prepare().BadClips));
        string[] lines = File.ReadAllLines(Path.Combine(caches["cache"], "bad-files.csv"));
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("00a.wav,", lines[1]);
        using ClipSource cache = OpenCache();
        Assert.Throws<BadClipException>(() => cache.ReadCrop(1, new RandomStream(1, RandomPurpose.Crop), Frames, ShortClips.Silence, new float[80 * Frames]));
    }

    [Fact]
    public void When_every_file_is_bad_there_is_no_cache()
    {
        folder.AddText("a.wav", "bad");
        Assert.Contains("none of the 1 clips", Assert.Throws<UserErrorException>(() => Prepare()).Message);
        Assert.False(Directory.Exists(caches["cache"]));
    }

    [Fact]
    public void A_preparation_killed_while_it_wrote_its_first_file_begins_again()
    {
        folder.AddClips(2);
        Directory.CreateDirectory(caches["cache"]);
        File.WriteAllText(Path.Combine(caches["cache"], "preparing.json.1f-0123456789abcdef0123456789abcdef.tmp"), "{");

        Assert.Equal(2, Prepare().Clips);
    }

    [Fact]
    public void Other_data_other_settings_and_strange_folders_are_refused()
    {
        folder.AddClips(2);
        Prepare();
        folder.Add("more.wav", 0.3, 5);
        Assert.Contains("other data", Assert.Throws<UserErrorException>(() => Prepare()).Message);
        Assert.Contains("was made with", Assert.Throws<UserErrorException>(
            () => ClipSource.Open(caches["cache"], new ClipSourceOptions(LogMelSettings.ThirtyTwoKilohertz))).Message);
        caches.Add("mine/a.wav", 0.1, 1);
        Assert.Contains("not empty", Assert.Throws<UserErrorException>(() => Prepare("mine")).Message);
        Assert.True(File.Exists(caches["mine/a.wav"]));
    }

    [Theory]
    [InlineData("log-mels.f32")]
    [InlineData("clips.jsonl")]
    public void A_damaged_cache_is_refused(string file)
    {
        folder.AddClips(2);
        Prepare();
        File.AppendAllText(Path.Combine(caches["cache"], file), "x");
        Assert.Contains("damaged", Assert.Throws<UserErrorException>(() => OpenCache()).Message);
    }
}

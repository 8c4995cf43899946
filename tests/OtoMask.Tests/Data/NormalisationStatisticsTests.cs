using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Randomness;

namespace OtoMask.Tests.Data;

public sealed class NormalisationStatisticsTests : IDisposable
{
    private static readonly InputGeometry Geometry = InputGeometry.Parse("80x32", "16x16");
    private readonly SoundFolder folder = new();
    private readonly BadFiles badFiles = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Measures_mean_and_standard_deviation()
    {
        float[] values = [.. Enumerable.Range(0, 80 * 32).Select(i => i % 2 == 0 ? -9f : -5f)];
        NpyFile.Write(folder["a.npy"], values, 80, 32);
        using ClipSource source = folder.Open();
        Assert.Equal(new NormalisationStatistics(-7, 2), NormalisationStatistics.Measure(source, Geometry, 1, badFiles));
    }

    [Fact]
    public void Do_not_depend_on_the_number_of_threads_but_on_the_seed()
    {
        using ClipSource source = folder.AddClips(7).AddText("bad.wav", "bad").Open();
        NormalisationStatistics one = NormalisationStatistics.Measure(source, Geometry, 1, badFiles, threads: 1);
        Assert.Equal(one, NormalisationStatistics.Measure(source, Geometry, 1, badFiles, threads: 4));
        Assert.NotEqual(one, NormalisationStatistics.Measure(source, Geometry, 2, badFiles));
        Assert.Equal(1, badFiles.Count);
    }

    [Fact]
    public void Progress_reaches_the_end()
    {
        using ClipSource source = folder.AddClips(2).Open();
        int last = 0, all = 0;
        NormalisationStatistics.Measure(source, Geometry, 1, badFiles, threads: 1, progress: new Relay<WorkProgress>(told => (last, all) = (told.Done, told.All)));
        Assert.Equal((NormalisationStatistics.MinCrops, NormalisationStatistics.MinCrops), (last, all));
    }

    [Fact]
    public void Silence_and_all_bad_sets_are_refused()
    {
        AudioFile.WriteWav(folder["a.wav"], new float[16000], 16000);
        using (ClipSource source = folder.Open())
            Assert.Contains("silence", Assert.Throws<UserErrorException>(() => NormalisationStatistics.Measure(source, Geometry, 1, badFiles)).Message);
        folder.AddText("a.wav", "bad");
        using (ClipSource source = folder.Open())
            Assert.Contains("none of the 1 clips", Assert.Throws<UserErrorException>(() => NormalisationStatistics.Measure(source, Geometry, 1, badFiles)).Message);
    }

    [Theory]
    [InlineData(900, 0)] // a level far off
    [InlineData(-400, 1)]
    [InlineData(-7, 300)] // the level of the others, and wild
    public void A_clip_far_outside_all_others_does_not_count_and_is_left_out_with_the_reason(float mean, float deviation)
    {
        NormalisationStatistics ordinary;
        using (ClipSource source = folder.AddClips(7).Open())
            ordinary = NormalisationStatistics.Measure(source, Geometry, 1, badFiles);
        Assert.Equal(0, badFiles.Count);

        Flat("zzz.npy", mean, deviation);
        using ClipSource with = folder.Open();
        NormalisationStatistics measured = NormalisationStatistics.Measure(with, Geometry, 1, badFiles);
        Assert.InRange(measured.Mean, ordinary.Mean - 0.3f, ordinary.Mean + 0.3f); // other draws, the same sounds
        Assert.InRange(measured.Std, ordinary.Std - 0.3f, ordinary.Std + 0.3f);
        BadFile listed = Assert.Single(badFiles.ToList());
        Assert.Equal(folder["zzz.npy"], listed.Path);
        Assert.StartsWith("its log-mel lies far outside all others (mean ", listed.Reason);
        Assert.Equal(listed.Reason, Assert.Throws<BadClipException>(() => with.ReadCrop(7, default, 32, default, new float[80 * 32])).Reason);
        with.ReadCrop(6, default, 32, default, new float[80 * 32]);
    }

    /// <summary>Sets of n clips of a level, [level, deviation] each, and how many of them are far outside.</summary>
    public static TheoryData<float[][], int> Sets => new()
    {
        { [[-7, 4]], 0 },
        { [[500, 400]], 0 },
        { [[-7, 4], [900, 0]], 0 }, // which of the two?
        { [[-7, 4], [-9, 3], [900, 0]], 1 },
        { [[-7, 4], [-9, 3], [900, 0], [900, 0]], 0 }, // no minority
        { [[-7, 4], [-9, 3], [-8, 5], [900, 0], [-900, 0]], 2 },
        { [[-7, 4], [-7, 4], [-7, 4], [LogMel.Silence, 0]], 0 },
        { [[4, 1], [4, 1], [4, 1], [4, 1], [LogMel.Silence, 0]], 0 },
        { [[-7, 4], [-7, 4], [LogMel.Silence, 0], [LogMel.Silence, 0]], 0 },
        { [[3, 4], [LogMel.Silence, 0], [LogMel.Silence, 0], [LogMel.Silence, 0], [LogMel.Silence, 0]], 0 },
        { [[-30, 15], [-25, 15], [-32, 14], [-31, 15], [-69, 0]], 0 }, // decibels, and their silence
        { [[-30, 15], [-25, 15], [-32, 14], [-31, 15], [400, 0]], 1 },
        { [[-40, 20], [-40, 20], [-40, 20], [-40, 20]], 0 },
    };

    [Theory]
    [MemberData(nameof(Sets))]
    public void Silence_other_scales_and_few_clips_are_not_far_outside(float[][] levels, int expected)
    {
        for (int clip = 0; clip < levels.Length; clip++)
            Flat($"{clip}.npy", levels[clip][0], levels[clip][1]);
        using ClipSource source = folder.Open();
        NormalisationStatistics.Measure(source, Geometry, 1, badFiles);
        Assert.Equal((expected, expected), (source.LeftOut.Count, badFiles.Count));
    }

    [Fact]
    public void No_sound_within_full_scale_is_far_outside_another()
    {
        var random = new RandomStream(3, RandomPurpose.Probe);
        float[] Loud(Func<int, float> sample) => [.. Enumerable.Range(0, 16000).Select(sample)];
        var sounds = new (string Name, float[] Samples)[]
        {
            ("silence", new float[16000]),
            ("square", Loud(i => i / 20 % 2 == 0 ? 1 : -1)),
            ("clicks", Loud(i => i % 50 == 0 ? 1 : 0)),
            ("noise", Loud(_ => random.NextSingle() < 0.5f ? 1 : -1)),
        };
        foreach ((string most, string least) in (from a in sounds from b in sounds where a != b select (a.Name, b.Name)))
        {
            using var set = new SoundFolder();
            foreach ((string name, float[] samples) in sounds.Where(sound => sound.Name == most || sound.Name == least))
            {
                for (int copy = 0; copy < (name == most ? 9 : 1); copy++)
                    AudioFile.WriteWav(set[$"{name}{copy}.wav"], samples, 16000);
            }
            using ClipSource source = set.Open();
            NormalisationStatistics.Measure(source, Geometry, 1, badFiles);
            Assert.Empty(source.LeftOut);
        }
    }

    [Fact]
    public void A_cache_leaves_out_what_its_files_do_and_says_so_before()
    {
        folder.AddClips(6);
        Flat("far.npy", 500, 2);
        using ClipSource files = folder.Open();
        using var place = new SoundFolder();
        LogMelCache.Prepare(files.Clips, LogMelSettings.Default, place["cache"]);
        using LogMelCache cache = LogMelCache.Open(place["cache"], LogMelSettings.Default);
        Assert.Equal("far.npy", Assert.Single(cache.FarOutside()).Name);
        Assert.Equal(NormalisationStatistics.Measure(files, Geometry, 1, badFiles, threads: 1), NormalisationStatistics.Measure(cache, Geometry, 1, new BadFiles(), threads: 3));
        Assert.Equal(files.LeftOut, cache.LeftOut);
    }

    [Fact]
    public void Applying_subtracts_and_divides()
    {
        float[] values = [.. Enumerable.Range(0, 37).Select(i => i * 0.5f)];
        new NormalisationStatistics(3, 2).Apply(values);
        Assert.Equal(Enumerable.Range(0, 37).Select(i => (i * 0.5f - 3) / 2), values);
    }

    /// <summary>A log-mel of one mean and deviation.</summary>
    private void Flat(string name, float mean, float deviation) =>
        NpyFile.Write(folder[name], [.. Enumerable.Range(0, 80 * 40).Select(i => i % 2 == 0 ? mean - deviation : mean + deviation)], 80, 40);
}

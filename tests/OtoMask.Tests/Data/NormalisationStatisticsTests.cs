using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Interop;

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
        NormalisationStatistics.Measure(source, Geometry, 1, badFiles, threads: 1, progress: (done, total) => (last, all) = (done, total));
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

    [Fact]
    public void Applying_subtracts_and_divides()
    {
        float[] values = [.. Enumerable.Range(0, 37).Select(i => i * 0.5f)];
        new NormalisationStatistics(3, 2).Apply(values);
        Assert.Equal(Enumerable.Range(0, 37).Select(i => (i * 0.5f - 3) / 2), values);
    }
}

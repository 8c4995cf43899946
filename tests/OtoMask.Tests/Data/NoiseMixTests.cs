using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.Tests.Data;

/// <summary>Background noise under clips: docs/method.md section 6.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class NoiseMixTests : IDisposable
{
    private const double Epsilon = 1.1920929e-7;
    private readonly SoundFolder clips = new SoundFolder().AddClips(5), noises = new SoundFolder().Add("hum.wav", 1.2, 40).Add("hiss.wav", 0.7, 41);
    private readonly BadFiles badFiles = new();
    private readonly ClipSource source, noise;

    public NoiseMixTests() => (source, noise) = (clips.Open(), noises.Open());

    public void Dispose()
    {
        source.Dispose();
        noise.Dispose();
        clips.Dispose();
        noises.Dispose();
    }

    private BatchOptions Options => new()
    {
        Geometry = InputGeometry.Parse("80x96", "16x16"),
        BatchSize = 5,
        Seed = 42,
        Normalisation = new NormalisationStatistics(-7, 4),
        Masking = KnownMaskings.Find("random").CreateDataStrategy(),
        MinClips = 0,
        Workers = 2,
    };

    private BatchOptions Noisy => Options with { Noise = new NoiseMix(noise, -9, 0.3) };

    [Fact]
    public void The_mixture_is_the_formula()
    {
        float[] clean = [-7, -5, -40, 2], mixed = [-9, -12, -90, -9];
        var mix = new NoiseMix(noise, -9, 0.3);
        double[] expected = [.. clean.Zip(mixed, (c, n) => Math.Log(Math.Max(0.3 * Math.Exp(n + 9) + 0.7 * Math.Exp(c + 7), Epsilon)) / 4)];
        mix.Mix(clean, mixed, new NormalisationStatistics(-7, 4));
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], mixed[i], 1e-5);
        Assert.Equal(Math.Log(Epsilon) / 4, mixed[2], 1e-5); // both are silent: never below the smallest power
    }

    [Fact]
    public void What_is_seen_is_noisy_what_is_predicted_is_clean()
    {
        using MaskedBatch without = First(Options), with = First(Noisy);
        Assert.Equal(without.Masked, with.Masked);
        Assert.Equal((without.VisibleIds, without.MaskedIds), (with.VisibleIds, with.MaskedIds), EqualIds);
        Assert.NotEqual(without.Visible, with.Visible);
        // 0.7 of the clean power is always in there.
        Assert.All(without.Visible.Zip(with.Visible), pair => Assert.True(pair.Second >= pair.First + Math.Log(0.7) / 4 - 1e-4, $"{pair.Second} is less than 0.7 of {pair.First}"));
    }

    [Fact]
    public void A_batch_that_the_model_masks_keeps_both()
    {
        using MaskedBatch masked = First(Noisy), whole = First(Noisy with { Masking = null });
        Assert.Empty(whole.VisibleIds);
        int visible = masked.VisibleCount, hidden = masked.MaskedCount;
        whole.Mask([.. Enumerable.Range(0, whole.Count).Select(clip => new PatchMask(
            [.. masked.VisibleIds.AsSpan(clip * visible, visible).ToArray().Select(id => (int)id)], [.. masked.MaskedIds.AsSpan(clip * hidden, hidden).ToArray().Select(id => (int)id)]))]);
        (float[] visibleOnDevice, float[] maskedOnDevice) = GatheredBatch.Of(whole);
        Assert.Equal(masked.Visible, visibleOnDevice);
        Assert.Equal(masked.Masked, maskedOnDevice);
    }

    [Fact]
    public void Noise_does_not_depend_on_threads_and_differs_from_epoch_to_epoch()
    {
        float[][] one = Visible(Noisy with { Workers = 1 }), several = Visible(Noisy with { Workers = 4, Prefetch = 3 });
        Assert.Equal(one, several);
        Assert.NotEqual(one[0], one[1]);
    }

    [Fact]
    public void A_bad_clip_of_noise_is_left_out()
    {
        noises.AddText("bad.wav", "no audio");
        using ClipSource withBad = noises.Open();
        Visible(Options with { Noise = new NoiseMix(withBad, -9, 0.3) });
        Assert.Equal("bad.wav", Path.GetFileName(Assert.Single(badFiles.ToList()).Path));
    }

    private MaskedBatch First(BatchOptions options)
    {
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, options, badFiles).Read();
        return reader.Next()!;
    }

    private float[][] Visible(BatchOptions options)
    {
        List<float[]> batches = [];
        using BatchReader<MaskedBatch> reader = new BatchPipeline(source, options, badFiles).Read(endEpoch: 4);
        while (reader.Next() is { } batch)
        {
            using (batch)
                batches.Add([.. batch.Visible]);
        }
        return [.. batches];
    }

    private static bool EqualIds((long[] Visible, long[] Masked) one, (long[] Visible, long[] Masked) other) =>
        one.Visible.SequenceEqual(other.Visible) && one.Masked.SequenceEqual(other.Masked);
}

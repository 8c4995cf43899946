using OtoMask.FineTuning;
using OtoMask.Randomness;
using OtoMask.Tests.Evaluation;
using OtoMask.Torch;

namespace OtoMask.Tests.FineTuning;

[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public class AugmentationTests
{
    [Theory]
    [InlineData(5, 7, 9, 4)]
    [InlineData(80, 96, 80, 96)]
    [InlineData(48, 144, 80, 96)]
    [InlineData(3, 1, 2, 8)]
    [InlineData(6, 6, 1, 1)]
    public void Resizing_is_what_PyTorch_computes(int rows, int columns, int newRows, int newColumns)
    {
        using var scope = new TensorScope();
        float[] image = SyntheticTask.Normal(rows * columns, new RandomStream(1, RandomPurpose.Crop), 3);
        float[] expected = new Operator("aten::upsample_bicubic2d").Call(
            Tensor.From(image, 1, 1, rows, columns), new long[] { newRows, newColumns }, true, Argument.None, Argument.None).ToArray<float>();
        float[] actual = BicubicResize.Apply(image, rows, columns, newRows, newColumns);
        // PyTorch computes places in float32: a place of 100 has a step of 8e-6, and values change by about 10 from one to the next.
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 5e-4));
    }

    [Fact]
    public void A_resized_crop_shows_a_part_of_the_clip_or_more_of_its_surroundings()
    {
        float[] ones = [.. Enumerable.Repeat(1f, 20 * 40)];
        float[][] crops = [.. Enumerable.Range(0, 200).Select(clip => RandomResizeCrop.Apply(ones, 20, 40, new RandomStream(1, RandomPurpose.ResizeCrop, 0, clip)))];
        Assert.All(crops, crop => Assert.Equal(800, crop.Length));
        double[] shares = [.. crops.Select(crop => crop.Count(value => value > 0.5) / 800.0)];
        Assert.InRange(shares.Count(share => share > 0.99), 20, 150); // cut out of the middle
        Assert.InRange(shares.Count(share => share < 0.9), 20, 150); // with empty canvas beside it
        Assert.InRange(shares.Min(), 0.4, 0.8); // 0.6 T of a canvas of 1.5 T leaves at most 0.25 T of emptiness, 1.5 T a third
        Assert.Equal(crops[7], RandomResizeCrop.Apply(ones, 20, 40, new RandomStream(1, RandomPurpose.ResizeCrop, 0, 7)));
    }

    [Fact]
    public void A_spectrogram_mask_clears_one_band_and_one_stretch_of_time()
    {
        var widths = new List<(int, int)>();
        for (int step = 0; step < 300; step++)
        {
            SpectrogramMask mask = SpectrogramMask.Draw(bands: 10, frames: 30, mostBands: 4, mostFrames: 50, new RandomStream(1, RandomPurpose.SpectrogramMask, 0, step));
            float[] logMel = [.. Enumerable.Repeat(1f, 300)];
            mask.Apply(logMel, 30);
            for (int i = 0; i < 300; i++)
                Assert.Equal(IsIn(i / 30, mask.FirstBand, mask.Bands) || IsIn(i % 30, mask.FirstFrame, mask.Frames) ? 0 : 1, logMel[i]);
            widths.Add((mask.Bands, mask.Frames));
        }
        Assert.Equal([0, 1, 2, 3], widths.Select(width => width.Item1).Distinct().Order());
        Assert.Equal((0, 29), (widths.Min(width => width.Item2), widths.Max(width => width.Item2))); // never more than there is

        static bool IsIn(int place, int first, int count) => place >= first && place < first + count;
    }

    [Theory]
    [InlineData(0.1), InlineData(0.3), InlineData(1), InlineData(4)]
    public void Mixing_coefficients_are_of_Beta(double alpha)
    {
        double[] shares = [.. Enumerable.Range(0, 20_000).Select(i =>
        {
            var random = new RandomStream(1, RandomPurpose.Mixup, 0, i);
            return Mixup.Beta(alpha, ref random);
        })];
        Assert.All(shares, share => Assert.InRange(share, 0, 1));
        double variance = 1 / (4 * (2 * alpha + 1));
        Assert.Equal(0.5, shares.Average(), 4 * Math.Sqrt(variance / shares.Length));
        Assert.Equal(variance, shares.Average(share => (share - 0.5) * (share - 0.5)), 0.05 * variance);
    }

    [Fact]
    public void Waveforms_and_targets_are_mixed_alike_with_another_of_the_batch()
    {
        float[][] waveforms = [.. Enumerable.Range(0, 8).Select(i => Enumerable.Repeat((float)i, 5).ToArray())];
        float[][] targets = [.. Enumerable.Range(0, 8).Select(i => Enumerable.Range(0, 8).Select(label => label == i ? 1f : 0).ToArray())]; // clip i is of class i
        Mixup mixup = Mixup.Draw(8, alpha: 1, new RandomStream(3, RandomPurpose.Mixup));
        float[] Mixed(float[][] values, int place) => mixup.Apply(place, values[place], values[mixup.Partners[place]]);
        for (int place = 0; place < 8; place++)
        {
            float[] row = Mixed(targets, place);
            Assert.Equal(1, row.Sum(), 1e-6);
            Assert.All(Mixed(waveforms, place), sample => Assert.Equal(row.Index().Sum(pair => pair.Index * pair.Item), sample, 1e-5));
        }
        Assert.InRange(Enumerable.Range(0, 8).SelectMany(place => Mixed(targets, place)).Count(target => target is > 0 and < 1), 8, 16);
    }
}

using FsCheck;
using FsCheck.Fluent;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Pretraining;
using OtoMask.Randomness;
using OtoMask.Tests.Pretraining;
using OtoMask.Torch;

namespace OtoMask.Tests.Devices;

/// <summary>Object-centric masks drawn on a device, beside those that the strategy draws on the host.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class DeviceMaskingTests
{
    public static TheoryData<string, double, double> Masks
    {
        get
        {
            var data = new TheoryData<string, double, double>();
            foreach (string mask in (string[])["sgim", "sgim-spectral"])
            {
                foreach (double hint in (double[])[0, 0.3, 0.97])
                {
                    foreach (double ratio in (double[])[0.5, 0.8])
                        data.Add(mask, hint, ratio);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Masks))]
    public void The_masks_are_those_of_the_strategy(string mask, double hint, double ratio)
    {
        using var folder = new TrainingFolder();
        using var scope = new TensorScope();
        using TrainingSetup setup = TrainingSetup.Begin(folder.Config with { Mask = mask, MaskRatio = ratio, Device = PretendedDevice.First.Name }, new RecordingObserver());
        using BatchReader<MaskedBatch> reader = setup.Pipeline((_, _) => hint).Read();
        using MaskedBatch batch = reader.Next()!;
        const int width = 7;
        IFeatureMaskingStrategy strategy = setup.Masking.CreateFeatureStrategy()!;
        float[] features = Features(batch.Count * batch.Grid.Count * width, seed: 5);

        PatchMask[] expected = [.. Enumerable.Range(0, batch.Count).Select(clip => strategy.Sample(
            batch.Grid, features.AsSpan(clip * batch.Grid.Count * width, batch.Grid.Count * width), width, batch.ContextOf(clip)))];
        PretendedDevice.Forget();
        Tensor there = Tensor.Send(PretendedDevice.First, features, batch.Count, batch.Grid.Count, width);
        (Tensor visible, Tensor masked) = DeviceMasking.Of(strategy)!.Draw(batch, there);
        Assert.Equal(0, PretendedDevice.Traffic.Waits);
        Assert.Equal(expected.SelectMany(one => one.Visible).Select(id => (long)id), visible.ToArray<long>());
        Assert.Equal(expected.SelectMany(one => one.Masked).Select(id => (long)id), masked.ToArray<long>());
    }

    /// <summary>Scores of clips with more patches than values of a feature, and with fewer.</summary>
    [Fact]
    public void The_scores_are_those_of_the_strategy() => Prop.ForAll(
        (from patches in Gen.Choose(2, 40) from width in Gen.Choose(2, 24) from seed in Gen.Choose(0, 10_000) from spectral in Gen.Elements(true, false) select (patches, width, seed, spectral)).ToArbitrary(),
        shape =>
        {
            using var scope = new TensorScope();
            PatchCut cut = shape.spectral ? PatchCuts.Spectral : PatchCuts.PrincipalAxis;
            float[] features = Features(2 * shape.patches * shape.width, shape.seed);
            var expected = new float[2 * shape.patches];
            for (int clip = 0; clip < 2; clip++)
                ObjectScores.Compute(features.AsSpan(clip * shape.patches * shape.width, shape.patches * shape.width), shape.width, cut, expected.AsSpan(clip * shape.patches, shape.patches));
            float[] actual = DeviceMasking.Of(new ObjectCentricMasking(cut))!.Scores(Tensor.Send(PretendedDevice.First, features, 2, shape.patches, shape.width)).ToArray<float>();
            return expected.Zip(actual).All(pair => Math.Abs(pair.First - pair.Second) < 1e-5);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_strategy_of_somebody_elses_is_asked_on_the_host()
    {
        Assert.Null(DeviceMasking.Of(null));
        Assert.Null(DeviceMasking.Of(new ObjectCentricMasking((points, width, side) => PatchCuts.PrincipalAxis(points, width, side))));
        Assert.Null(DeviceMasking.Of(new FirstPatches()));
    }

    /// <summary>Values around three centres, so that there are parts to find.</summary>
    private static float[] Features(int count, int seed)
    {
        var random = new RandomStream((ulong)seed, RandomPurpose.Crop, 0, 0);
        return [.. Enumerable.Range(0, count).Select(i => MathF.Sin(i / 5 * 1.7f) + random.NextSingle())];
    }

    private sealed class FirstPatches : IFeatureMaskingStrategy
    {
        public PatchMask Sample(PatchGrid grid, ReadOnlySpan<float> features, int width, in MaskingContext context) => throw new NotSupportedException();
    }
}

using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.Tests.Masking;

/// <summary>Clips and contexts for the tests of masking strategies.</summary>
internal static class MaskingSamples
{
    public static MaskingContext Context(double maskRatio, double hintRatio = 0, long clip = 0, long step = 0, ulong seed = 7) =>
        new(maskRatio, hintRatio,
            new RandomStream(seed, RandomPurpose.Mask, epoch: 0, clip),
            new RandomStream(seed, RandomPurpose.BatchMask, epoch: 0, step));

    /// <summary>[L, patchSize] normal numbers, each patch with a spread of its own; every fifth patch is constant.</summary>
    public static float[] Patches(PatchGrid grid, int patchSize, ulong seed = 1)
    {
        var random = new RandomStream(seed, RandomPurpose.Crop);
        var patches = new float[grid.Count * patchSize];
        for (int id = 0; id < grid.Count; id++)
        {
            double spread = id % 5 == 4 ? 0 : 0.2 + random.NextDouble();
            foreach (ref float value in patches.AsSpan(id * patchSize, patchSize))
                value = (float)(spread * random.NextNormal() - 0.5);
        }
        return patches;
    }

    /// <summary>[L, width] normal numbers around a few directions, as an encoder's features would be.</summary>
    public static float[] Features(PatchGrid grid, int width, ulong seed = 2)
    {
        var random = new RandomStream(seed, RandomPurpose.Crop);
        double[] direction = [.. Enumerable.Range(0, width).Select(_ => random.NextNormal())];
        var features = new float[grid.Count * width];
        for (int id = 0; id < grid.Count; id++)
        {
            double side = random.NextDouble() < 0.4 ? 1 : -0.5;
            for (int d = 0; d < width; d++)
                features[id * width + d] = (float)(1 + side * direction[d] + 0.5 * random.NextNormal());
        }
        return features;
    }

    /// <summary>The mask of one strategy of the catalogue, whichever kind it is.</summary>
    public static PatchMask Sample(
        MaskingInfo masking, PatchGrid grid, ReadOnlySpan<float> patches, int patchSize,
        ReadOnlySpan<float> features, int width, MaskingContext context) =>
        masking.CreateDataStrategy() is { } strategy
            ? strategy.Sample(new PatchView(grid, patchSize, masking.ReadsInput ? patches : []), context)
            : masking.CreateFeatureStrategy()!.Sample(grid, features, width, context);

    /// <summary>P(masked) of each patch over many draws.</summary>
    public static double[] Marginals(int draws, int patchCount, Func<int, PatchMask> sample)
    {
        var masked = new int[patchCount];
        for (int draw = 0; draw < draws; draw++)
            foreach (int id in sample(draw).Masked)
                masked[id]++;
        return [.. masked.Select(count => count / (double)draws)];
    }
}

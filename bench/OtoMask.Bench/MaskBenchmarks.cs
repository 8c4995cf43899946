using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Engines;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Randomness;

namespace OtoMask.Bench;

/// <summary>Masks of a batch of 64 clips on one core: 80x608 log-mels in 5x38 patches of 16x16, data in cache.</summary>
[SimpleJob(RunStrategy.Throughput, launchCount: 1, warmupCount: 3, iterationCount: 10)]
[MemoryDiagnoser]
public class MaskBenchmarks
{
    private const int Clips = 64, PatchSize = 256;
    private static readonly PatchGrid Grid = new(5, 38);
    private float[] patches = [];
    private IMaskingStrategy strategy = null!;

    [ParamsSource(nameof(Names))]
    public string Name { get; set; } = "";

    public static IEnumerable<string> Names => KnownMaskings.All.Where(masking => masking.CreateDataStrategy() is not null).Select(masking => masking.Name);

    [GlobalSetup]
    public void Prepare()
    {
        strategy = KnownMaskings.Find(Name).CreateDataStrategy()!;
        var random = new RandomStream(1, RandomPurpose.Crop);
        patches = new float[Grid.Count * PatchSize];
        foreach (ref float value in patches.AsSpan())
            value = (float)random.NextNormal();
    }

    [Benchmark]
    public int Batch()
    {
        int masked = 0;
        for (int clip = 0; clip < Clips; clip++)
        {
            var context = new MaskingContext(0.7, 0.5, new RandomStream(1, RandomPurpose.Mask, 0, clip), new RandomStream(1, RandomPurpose.BatchMask));
            masked += strategy.Sample(new PatchView(Grid, PatchSize, patches), context).Masked.Length;
        }
        return masked;
    }
}

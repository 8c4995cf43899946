using FsCheck;
using FsCheck.Fluent;
using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.Tests.Masking;

/// <summary>What holds for every strategy, on any geometry, ratio and hint.</summary>
public class MaskingPropertyTests
{
    private const int PatchSize = 6, Width = 5;

    public static TheoryData<string> Names => [.. KnownMaskings.All.Select(masking => masking.Name)];

    private sealed record Case(PatchGrid Grid, double Ratio, double Hint, int Clip, int Step)
    {
        public MaskingContext Context => MaskingSamples.Context(Ratio, Hint, Clip, Step);
    }

    private static readonly Arbitrary<Case> Cases = (
        from rows in Gen.Choose(1, 20)
        from columns in Gen.Choose(1, 60)
        from ratio in Gen.Choose(1, 999)
        from hint in Gen.Choose(0, 12)
        from clip in Gen.Choose(0, 1000)
        from step in Gen.Choose(0, 1000)
        select new Case(new PatchGrid(rows, columns), ratio / 1000.0, Math.Min(hint, 10) / 10.0, clip, step)).ToArbitrary();

    private static PatchMask Sample(MaskingInfo masking, Case @case) =>
        MaskingSamples.Sample(masking, @case.Grid, MaskingSamples.Patches(@case.Grid, PatchSize), PatchSize,
            MaskingSamples.Features(@case.Grid, Width), Width, @case.Context);

    [Theory, MemberData(nameof(Names))]
    public void A_mask_is_a_partition_in_ascending_order_with_the_right_counts_and_the_same_for_the_same_context(string name)
    {
        MaskingInfo masking = KnownMaskings.Find(name);
        bool isCostly = masking.CreateFeatureStrategy() is not null; // cubic in the number of patches
        Prop.ForAll(Cases, @case =>
        {
            PatchMask mask = Sample(masking, @case);
            Assert.Equal(Enumerable.Range(0, @case.Grid.Count), mask.Visible.Concat(mask.Masked).Order());
            Assert.Equal(mask.Visible.Order(), mask.Visible);
            Assert.Equal(mask.Masked.Order(), mask.Masked);
            Assert.Equal(ExpectedVisible(name, @case), mask.Visible.Length);
            Assert.Equal(mask.Visible, Sample(masking, @case).Visible);
            if (IsAccepted(masking, @case))
                Assert.True(mask.Visible.Length > 0 && mask.Masked.Length > 0, "validation accepts a mask with an empty side");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(isCostly ? 10 : 100));
    }

    [Theory, MemberData(nameof(Names))]
    public void Several_masks_of_a_clip_are_those_that_are_drawn_one_by_one(string name)
    {
        MaskingInfo masking = KnownMaskings.Find(name);
        Prop.ForAll(Cases, @case =>
        {
            MaskingContext[] contexts = [.. Enumerable.Range(0, 3).Select(clone => MaskingSamples.Context(@case.Ratio, @case.Hint, @case.Clip + clone, @case.Step))];
            float[] patches = MaskingSamples.Patches(@case.Grid, PatchSize), features = MaskingSamples.Features(@case.Grid, Width);
            PatchMask[] several = masking.CreateFeatureStrategy() is { } byFeatures
                ? byFeatures.SampleSeveral(@case.Grid, features, Width, contexts)
                : masking.CreateDataStrategy()!.SampleSeveral(new PatchView(@case.Grid, PatchSize, patches), contexts);
            for (int clone = 0; clone < contexts.Length; clone++)
                Assert.Equal(Sample(masking, @case with { Clip = @case.Clip + clone }).Visible, several[clone].Visible);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(masking.CreateFeatureStrategy() is not null ? 5 : 30));
    }

    [Fact]
    public void The_weights_of_a_clip_are_measured_once_for_all_its_masks()
    {
        int measured = 0;
        var masking = new DispersionWeightedMasking((in PatchView clip, Span<float> weights) =>
        {
            measured++;
            DispersionWeights.MeanAbsoluteDeviation(clip, weights);
        });
        var grid = new PatchGrid(5, 12);
        PatchMask[] masks = masking.SampleSeveral(
            new PatchView(grid, PatchSize, MaskingSamples.Patches(grid, PatchSize)), [.. Enumerable.Range(0, 16).Select(clone => MaskingSamples.Context(0.8, 0.5, clone, 1))]);
        Assert.Equal(1, measured);
        Assert.Equal(16, masks.Select(mask => string.Join(",", mask.Visible)).Distinct().Count());
    }

    private static bool IsAccepted(MaskingInfo masking, Case @case)
    {
        try
        {
            MaskingGeometry.Validate(masking, @case.Grid, @case.Ratio);
            return true;
        }
        catch (UserErrorException)
        {
            return false;
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Broken_input_still_gives_a_mask_of_the_right_size(string name)
    {
        MaskingInfo masking = KnownMaskings.Find(name);
        var grid = new PatchGrid(5, 12);
        foreach (float value in (float[])[0, float.NaN, float.PositiveInfinity, float.MaxValue])
        {
            var (patches, features) = (new float[grid.Count * PatchSize], new float[grid.Count * Width]);
            patches.AsSpan().Fill(value);
            features.AsSpan().Fill(value);
            PatchMask mask = MaskingSamples.Sample(masking, grid, patches, PatchSize, features, Width, MaskingSamples.Context(0.5));
            Assert.Equal(Enumerable.Range(0, grid.Count), mask.Visible.Concat(mask.Masked).Order());
        }
    }

    [Fact]
    public void Clips_of_a_batch_share_the_counts_of_structured_but_not_its_lines()
    {
        var (grid, strategy) = (new PatchGrid(5, 38), new StructuredMasking());
        for (int step = 0; step < 20; step++)
        {
            PatchMask[] masks = [.. Enumerable.Range(0, 8).Select(clip =>
                strategy.Sample(new PatchView(grid, 0, []), MaskingSamples.Context(0.5, clip: clip, step: step)))];
            Assert.Single(masks.Select(mask => mask.Visible.Length).Distinct());
            Assert.True(masks.Select(mask => string.Join(',', mask.Visible)).Distinct().Count() > 1);
        }
    }

    /// <summary>docs/method.md section 2, written out once more.</summary>
    private static int ExpectedVisible(string name, Case @case)
    {
        var ((nf, nt), r) = (@case.Grid, @case.Ratio);
        switch (name)
        {
            case "time-span":
                return nf * (nt - (int)Math.Floor(nt * r));
            case "structured":
                double u = @case.Context.Batch.NextDouble();
                double rows = Math.Min(Math.Floor(nf * (r + 1.0 / nf) * u), nf - 1);
                double columns = Math.Floor(nt * Math.Max(r + 0.5 / nt - rows / nf, 0));
                return (int)((nf - rows) * (nt - columns));
            default:
                return (int)(nf * nt * (1 - r));
        }
    }
}

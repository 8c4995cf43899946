using OtoMask.Geometry;
using OtoMask.Masking;

namespace OtoMask.Tests.Masking;

public class KnownMaskingsTests
{
    [Fact]
    public void Every_strategy_is_made_of_the_clip_or_of_features_and_never_of_both() => Assert.All(KnownMaskings.All, masking =>
        Assert.True(masking.CreateDataStrategy() is null ^ masking.CreateFeatureStrategy() is null));

    [Fact]
    public void Names_are_found_and_a_typo_names_the_nearest()
    {
        Assert.All(KnownMaskings.All, masking => Assert.Same(masking, KnownMaskings.Find(masking.Name)));
        Assert.Contains("did you mean dwm-topk?", Assert.Throws<UserErrorException>(() => KnownMaskings.Find("dwm_topk")).Message);
        Assert.Contains("did you mean inverse-block?", Assert.Throws<UserErrorException>(() => KnownMaskings.Find("inverse-blok")).Message);
    }

    [Theory]
    [InlineData("random", 0, 0), InlineData("dwm", 0.4, 1), InlineData("sgim", 0.4, 1)]
    [InlineData("inverse-block", 0, 1), InlineData("block", 0, 1), InlineData("inverse-block-from-start", 0, 0), InlineData("block-from-start", 0, 0)]
    public void A_strategy_goes_by_as_much_of_the_hint_ratio_as_the_published_one(string name, double of04, double of1)
    {
        MaskingInfo masking = KnownMaskings.Find(name);
        Assert.Equal((0, of04, of1), (masking.Heeded(0), masking.Heeded(0.4), masking.Heeded(1)));
    }

    [Theory, InlineData("inverse-block"), InlineData("block")]
    public void Without_a_warm_up_blocks_are_the_same_blocks_at_any_hint_ratio(string name)
    {
        var clip = new PatchView(new PatchGrid(5, 38), 0, []);
        IMaskingStrategy published = KnownMaskings.Find(name).CreateDataStrategy()!, fromStart = KnownMaskings.Find($"{name}-from-start").CreateDataStrategy()!;
        for (int draw = 0; draw < 50; draw++)
        {
            foreach (double hint in (double[])[0, 0.5, 1])
                Assert.Equal(published.Sample(clip, MaskingSamples.Context(0.7, 0, draw)).Masked, fromStart.Sample(clip, MaskingSamples.Context(0.7, hint, draw)).Masked);
        }
        Assert.Equal($"{name}-from-start", KnownMaskings.NameNow(name));
        Assert.Equal("dwm", KnownMaskings.NameNow("dwm"));
    }

    [Theory, InlineData(0.0), InlineData(1.0), InlineData(-0.1), InlineData(1.1), InlineData(double.NaN)]
    public void A_ratio_that_is_no_share_is_refused(double ratio) => Assert.All(KnownMaskings.All, masking =>
        Assert.Contains("mask ratio", Assert.Throws<UserErrorException>(
            () => MaskingGeometry.Validate(masking, new PatchGrid(5, 38), ratio)).Message));

    [Fact]
    public void A_grid_with_nothing_left_to_see_or_to_predict_is_refused()
    {
        Assert.Throws<UserErrorException>(() => MaskingGeometry.Validate(KnownMaskings.Find("random"), new PatchGrid(1, 3), 0.7));
        Assert.Throws<UserErrorException>(() => MaskingGeometry.Validate(KnownMaskings.Find("random"), new PatchGrid(0, 3), 0.7));
        Assert.Throws<UserErrorException>(() => MaskingGeometry.Validate(KnownMaskings.Find("structured"), new PatchGrid(5, 4), 0.9));
        Assert.Throws<UserErrorException>(() => MaskingGeometry.Validate(KnownMaskings.Find("time-span"), new PatchGrid(5, 4), 0.2));
        MaskingGeometry.Validate(KnownMaskings.Find("random"), new PatchGrid(1, 4), 0.7);
    }

    [Theory]
    [InlineData("inverse-block", 67, 0.7, true), InlineData("inverse-block", 68, 0.7, false)]
    [InlineData("inverse-block", 78, 0.75, true), InlineData("inverse-block", 79, 0.75, false)]
    [InlineData("block", 30, 0.75, true), InlineData("block", 31, 0.75, false)]
    [InlineData("dwm", 30, 0.75, false)]
    public void Blocks_without_room_are_announced(string name, int patches, double ratio, bool warns) =>
        Assert.Equal(warns, MaskingGeometry.Warnings(KnownMaskings.Find(name), new PatchGrid(1, patches), ratio).Count == 1);

    [Theory, InlineData(80, 608, 16, 17), InlineData(80, 608, 17, 16), InlineData(80, 608, 96, 16), InlineData(80, 608, 0, 16)]
    public void Patches_that_do_not_fill_the_input_are_refused(int bands, int frames, int height, int width) =>
        Assert.Throws<UserErrorException>(() => PatchGrid.Of(bands, frames, height, width));

    [Fact]
    public void Patches_are_cut_in_frequency_major_order()
    {
        const int bands = 6, frames = 20, height = 2, width = 5;
        float[] logMel = [.. Enumerable.Range(0, bands * frames)], patches = new float[logMel.Length];
        PatchCutter.Cut(logMel, bands, frames, height, width, patches);
        for (int band = 0; band < bands; band++)
            for (int frame = 0; frame < frames; frame++)
            {
                int patch = band / height * (frames / width) + frame / width;
                Assert.Equal(logMel[band * frames + frame], patches[patch * height * width + band % height * width + frame % width]);
            }
    }
}

using OtoMask.Studies;
using OtoMask.Studies.Masks;

namespace OtoMask.Tests.Studies.Masks;

[NoTensorLeaks]
[Collection(NoTensorLeaksAttribute.Collection)]
public sealed class MaskSurveyTests : IDisposable
{
    private static readonly StudyArm Dwm = new("dwm", [new Setting("mask", "dwm")]), TopK = new("top", [new Setting("mask", "dwm-topk"), new Setting("hint-constant", "0")]);

    private readonly StudyFixture fixture = new();

    [Fact]
    public void Masks_fall_where_the_strategies_say()
    {
        StudyMasks masks = Survey("where", config => config with { Arms = [config.Arms[0], Dwm, TopK] });
        ArmMasks random = masks.Arms[0], dwm = masks.Arms[1], top = masks.Arms[2];

        // 21 of 30 patches are masked, whoever chooses them.
        Assert.Equal(400, masks.Crops);
        Assert.All(masks.Arms, arm => Assert.All(arm.Probability, map => Assert.Equal(21 / 30.0, map.Average(), tolerance: 1e-4)));
        // 400 draws: a deviation of 0.1 from 0.7 is more than four standard errors.
        Assert.All(random.Probability, map => Assert.All(map, share => Assert.InRange(share, .6, .8)));
        Assert.All(random.ByDispersion, tenths => Assert.All(tenths, share => Assert.InRange(share, .64, .76)));

        // The weighted strategy begins as random and ends by masking what varies.
        Assert.Equal((1, 0), (dwm.HintRatios[0], Math.Round(dwm.HintRatios[^1], 1)));
        Assert.Equal(random.ByDispersion[0], dwm.ByDispersion[0]); // the same streams
        Assert.True(dwm.ByDispersion[^1][9] > dwm.ByDispersion[^1][0] + .2);
        // Without chance and hints the calmest three tenths stay visible, the others are masked.
        Assert.All(top.ByDispersion, tenths => Assert.Equal([0, 0, 0, 1, 1, 1, 1, 1, 1, 1], tenths));
        Assert.Empty(masks.LeftOut);
    }

    [Fact]
    public void A_clip_of_each_family_is_shown_with_its_masks()
    {
        StudyMasks masks = Survey("clips", config => config with { Arms = [config.Arms[0], Dwm] });
        MaskedClip clip = Assert.Single(masks.Clips);
        Assert.Equal(("tones", "events"), (clip.Task, clip.Family));
        Assert.Contains(clip.Label, (string[])["low", "high"]);
        Assert.Equal(80 * 96, clip.LogMel.Length);
        Assert.All(masks.Arms, arm => Assert.All(Assert.Single(arm.Masked), ids => Assert.Equal(21, ids.Distinct().Count())));
    }

    [Fact]
    public void A_strategy_that_reads_the_encoder_is_shown_once_there_is_one()
    {
        StudyFolder folder = fixture.NewFolder("features");
        StudyPlan plan = fixture.Plan(config => config with { Seeds = [1] });
        Directory.CreateDirectory(folder.Path);
        StudyMasks before = MaskSurvey.Of(plan, folder, CancellationToken.None);
        Assert.Equal(["random"], before.Arms.Select(arm => arm.Arm));
        Assert.Contains("m2d, sgim", Assert.Single(before.LeftOut));

        new StudyRunner(plan, folder, new DecreedCosts(), new StudyObserver()).Run(CancellationToken.None);
        StudyMasks after = MaskSurvey.Of(plan, folder, CancellationToken.None);
        Assert.Equal(["random", "sgim"], after.Arms.Select(arm => arm.Arm));
        Assert.Empty(after.LeftOut);
        Assert.Equal(before.Arms[0].Probability, after.Arms[0].Probability);
    }

    [Fact]
    public void What_is_there_is_not_computed_again_and_comes_back_whole()
    {
        StudyMasks first = Survey("twice"), read = StudyMasks.Read(fixture.NewFolder("twice"))!;
        Assert.Equal(first.Clips[0].LogMel, read.Clips[0].LogMel);
        Assert.Equal(first.Arms[0].Masked, read.Arms[0].Masked);

        (read with { Crops = 7 }).Write(fixture.NewFolder("twice"));
        Assert.Equal(7, Survey("twice").Crops);
        Assert.Equal(400, Survey("twice", config => config with { Arms = [config.Arms[0], Dwm] }).Crops);
    }

    [Fact]
    public void A_damaged_file_is_named()
    {
        StudyFolder folder = fixture.NewFolder("damaged");
        Directory.CreateDirectory(folder.Path);
        File.WriteAllText(folder.Masks, "{\"key\": 3}");
        Assert.Contains("masks.json", Assert.Throws<UserErrorException>(() => StudyMasks.Read(folder)).Message);
    }

    public void Dispose() => fixture.Dispose();

    private StudyMasks Survey(string name, Func<StudyConfig, StudyConfig>? change = null)
    {
        StudyFolder folder = fixture.NewFolder(name);
        Directory.CreateDirectory(folder.Path);
        return MaskSurvey.Of(fixture.Plan(change), folder, CancellationToken.None);
    }
}

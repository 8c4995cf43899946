using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.Models;
using OtoMask.Studies;

namespace OtoMask.Tests.Studies;

public sealed class StudyFileTests
{
    private const string Small = """
        tasks: [drums, {csv: own/cows.csv, family: animals, seconds: 2.5}]
        seeds: [1, 2]
        frameworks:
          msm-mae: {mask-ratio: 0.8}
          m2d: {}
        arms:
          random: {mask: random}
          dwm k=4: {mask: dwm, hint-power: 4}
        pretraining: {encoder: 16/1/2, decoder: 16/1/2, input: 80x96, steps: 10}
        """;

    [Fact]
    public void A_study_is_what_its_file_says_and_the_rest_has_defaults()
    {
        StudyConfig study = StudyFile.Parse(Small, "small.yaml");

        Assert.Equal([new StudyTaskName("drums", null), new StudyTaskName("own/cows.csv", "animals", 2.5)], study.Tasks);
        Assert.Equal([1ul, 2ul], study.Seeds);
        Assert.Equal((StudyConfig.Unlabelled, ProbeMode.Tuned, "random"), (study.Data, study.Probe, study.Baseline));
        Assert.Equal([42ul, 43ul, 44ul], study.ProbeSeeds);
        Assert.Equal([KnownFrameworks.MsmMae, KnownFrameworks.M2d], study.Frameworks.Select(framework => framework.Framework));

        PretrainingConfig config = study.Configure(study.Frameworks[0], study.Arms[1], seed: 2);
        Assert.Equal(("dwm", 4.0, 0.8, 10L, 2ul), (config.Mask, config.Hint.Power, config.ResolvedMaskRatio, config.Steps, config.Seed));
        Assert.Equal((KnownFrameworks.MsmMae, new BlockShape(16, 1, 2)), (config.Framework, config.Encoder));
    }

    [Theory]
    [InlineData("seeds: [1, 2]", "seeds: [1, 1]", "seeds", "1 stands there 2 times")]
    [InlineData("seeds: [1, 2]", "seeds: [one]", "line 2", "'one' is no seed")]
    [InlineData("seeds: [1, 2]", "sead: [1, 2]", "line 2", "did you mean seeds?")]
    [InlineData("seeds: [1, 2]", "", "`seeds` is missing")]
    [InlineData("seeds: [1, 2]", "seeds: 1", "line 2", "seeds is a list")]
    [InlineData("steps: 10", "epochs: 10", "give `steps`")]
    [InlineData("steps: 10", "steps: 10, precision: auto", "choose fp32 or bf16")]
    [InlineData("steps: 10", "steps: 10, epochs: 3", "3 ways to give one length")]
    [InlineData("mask-ratio: 0.8", "ema-end: 0.8", "frameworks, msm-mae: ema-end has no effect: msm-mae has no target network")]
    [InlineData("steps: 10", "steps: 10, size: base", "pretraining: size has no effect: encoder 16/1/2 and decoder 16/1/2")]
    [InlineData("steps: 10}", "steps: 10, evaluate-every: 0}\nfollow: [cows]", "follow has no effect")]
    [InlineData("{mask: random}", "{mask: random, hint-power: 4}", "arms, random: hint-power has no effect: mask random goes by no hint ratio")]
    [InlineData("steps: 10", "steps: ten", "line 9", "'ten' is no whole number")]
    [InlineData("steps: 10", "steps: 10, seed: 4", "line 9", "'seed' is the study's own business")]
    [InlineData("steps: 10", "steps: 10, encodr: 16/1/2", "line 9", "did you mean encoder?")]
    [InlineData("{mask: random}", "{mask: randm}", "no masking strategy \"randm\"")]
    [InlineData("  random:", "  untrained:", "'untrained'")]
    [InlineData("  random:", "  chance:", "baseline: 'random' is none of the arms")]
    [InlineData("msm-mae:", "mae:", "framework: 'mae' is unknown")]
    [InlineData("family: animals", "familie: animals", "line 1", "{csv: FILE.csv, family: WORD}")]
    [InlineData("seconds: 2.5", "seconds: long", "line 1", "'long' is no length")]
    [InlineData("tasks: [", "equal-time: [random]\ntasks: [", "equal-time: 'random'")]
    [InlineData("tasks: [", "follow: [cats]\ntasks: [", "follow: 'cats' is none of the tasks")]
    [InlineData("tasks: [", "finetuning: {epoch: 3}\ntasks: [", "line 1", "did you mean epochs?")]
    [InlineData("tasks: [", "finetuning: {seconds: 3}\ntasks: [", "line 1", "'seconds' is the study's own business")]
    [InlineData("tasks: [", "finetuning: {lr: 0}\ntasks: [", "lr")]
    [InlineData("tasks: [", "finetuning: yes\ntasks: [", "line 1", "settings are")]
    [InlineData("tasks: [", "probe: strickt\ntasks: [", "choose strict, evar or tuned")]
    [InlineData("tasks: [", "- tasks: [", "small.yaml")]
    public void A_mistake_is_named_with_its_place(string right, string wrong, params string[] parts)
    {
        UserErrorException error = Assert.Throws<UserErrorException>(() => StudyFile.Parse(Small.Replace(right, wrong, StringComparison.Ordinal), "small.yaml"));

        Assert.StartsWith("small.yaml", error.Message);
        Assert.All(parts, part => Assert.Contains(part, error.Message));
    }
}

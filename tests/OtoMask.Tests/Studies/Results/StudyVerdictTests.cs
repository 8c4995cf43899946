using OtoMask.Studies;
using OtoMask.Studies.Results;
using static OtoMask.Tests.Studies.StudySamples;

namespace OtoMask.Tests.Studies.Results;

public sealed class StudyVerdictTests
{
    private static readonly StudyRow[] Untrained = [.. Arm("untrained", (40, 40, 40), (40, 40, 40), (40, 40, 40))];
    private static readonly StudyRow[] Random = [.. Arm("random", (60, 50, 40), (62, 50, 40), (64, 50, 40))];

    [Fact]
    public void NobodyWinsWhenTheIntervalHoldsZero()
    {
        // Differences of the average: 0.2, 0.6, 1.0; half width 4.302653 * 0.4 / sqrt 3 = 0.99.
        FrameworkVerdict verdict = Verdict([.. Random, .. Arm("dwm", (60.6, 50, 40), (63.8, 50, 40), (67, 50, 40))]);
        Assert.Equal("msm-mae: over 3 seeds, on the average of 3 tasks, dwm differs from random by +0.6 points (-0.4 to +1.6): no winner can be named.", verdict.Answer);
    }

    [Fact]
    public void AClearDifferenceIsNamedEitherWay()
    {
        Assert.EndsWith("by +5.0 points (+4.4 to +5.6): dwm is better than random.", Verdict([.. Random, .. Arm("dwm", (64.25, 55, 45), (67, 55, 45), (69.75, 55, 45))]).Answer);
        Assert.EndsWith("by -5.0 points (-5.6 to -4.4): dwm is worse than random; no winner can be named.", Verdict([.. Random, .. Arm("dwm", (54.25, 45, 35), (57, 45, 35), (59.75, 45, 35))]).Answer);
    }

    [Fact]
    public void AnEndThatWouldReadZeroShowsItsSign()
    {
        // 0.96, 0.6, 1.38 ... mean 0.98, half width 4.302653 * 0.3904 / sqrt 3 = 0.9699: the lower end is +0.01.
        FrameworkVerdict verdict = Verdict([.. Random, .. Arm("dwm", (62.88, 50, 40), (63.8, 50, 40), (68.14, 50, 40))]);
        Assert.EndsWith("by +0.98 points (+0.01 to +1.95): dwm is better than random.", verdict.Answer);
    }

    [Fact]
    public void OneSeedClaimsNothing()
    {
        FrameworkVerdict verdict = Verdict([.. Arm("random", (60, 50, 40)), .. Arm("dwm", (90, 80, 70))]);
        Assert.Equal("msm-mae: with one seed there is no interval and no claim; differences from random on the average of 3 tasks: dwm +30.0 points (seed 1).", verdict.Answer);
        Assert.Equal("msm-mae: whether pre-training beats the untrained network cannot be said yet.", verdict.Floor);
    }

    [Fact]
    public void WhatStandsOutOnlyAloneIsNoWinner()
    {
        StudyConfig config = Config(arms: "{random: {}, a: {mask-ratio: 0.6}, b: {mask-ratio: 0.65}, c: {mask-ratio: 0.8}}");
        StudyResults results = StudyResults.Of(config,
        [
            .. Random, .. Arm("a", (62.88, 50, 40), (63.8, 50, 40), (68.14, 50, 40)),
            .. Arm("b", (60, 50, 40), (65, 50, 40), (61, 50, 40)), .. Arm("c", (60, 50, 40), (60, 50, 40), (64, 50, 40)),
        ], []);
        string answer = StudyVerdict.Of(results)[0].Answer;
        Assert.Contains("a differs from random by +0.98 points (+0.01 to +1.95), b by ", answer);
        Assert.EndsWith(": a (p 0.147 by Holm) stands out only if the study's other comparisons are not counted; no winner can be named.", answer);
        Assert.StartsWith("15 intervals of differences from random", StudyVerdict.Multiplicity(results)); // (3 tasks, speech, overall) x 3
        Assert.Contains("chance alone would make about 0.8 ", StudyVerdict.Multiplicity(results));
    }

    [Theory]
    [InlineData(0.0522, "0.052")]
    [InlineData(0.05, "0.050")]
    [InlineData(0.04996, "0.04996")]
    [InlineData(0.050004, "0.050004")]
    [InlineData(0.0004, "<0.001")]
    public void AProbabilityIsSeenToLieBelowOrAboveTheLevel(double p, string text) => Assert.Equal(text, StudyVerdict.PText(p));

    [Fact]
    public void OfManyArmsTheStrikingOnesAreListed()
    {
        string[] names = ["a", "b", "c", "d", "e"];
        StudyConfig config = Config(arms: $"{{random: {{}}, {string.Join(", ", names.Select(name => $"{name}: {{}}"))}}}");
        StudyResults results = StudyResults.Of(config, [.. Random, .. names.SelectMany((name, i) => Arm(name, (60, 50, 40), (65 + i, 50, 40), (61, 50, 40)))], []);
        string answer = StudyVerdict.Of(results)[0].Answer;
        Assert.Contains("3 tasks, e differs from random by +0.4 points", answer);
        Assert.Contains("(the intervals of the other 4 arms hold zero): no winner can be named.", answer);
    }

    [Fact]
    public void TheFloorIsTheUntrainedNetwork()
    {
        // 10, 10 2/3, 11 1/3 and -1, 0, 1 points.
        FrameworkVerdict verdict = Verdict([.. Untrained, .. Random, .. Arm("dwm", (37, 40, 40), (40, 40, 40), (43, 40, 40))]);
        Assert.Equal("msm-mae, points against the untrained network on the average of 3 tasks: better: random by +10.7 (+9.0 to +12.3); not clear: dwm by 0.0 (-2.5 to +2.5).", verdict.Floor);
    }

    private static FrameworkVerdict Verdict(StudyRow[] rows) => Assert.Single(StudyVerdict.Of(StudyResults.Of(Config(), rows, [])));
}

using FsCheck;
using FsCheck.Fluent;
using OtoMask.Studies;
using OtoMask.Studies.Results;
using OtoMask.Tests.Data;
using static OtoMask.Tests.Studies.StudySamples;

namespace OtoMask.Tests.Studies.Results;

public sealed class StudyResultsTests
{
    private const double T2 = 4.302653; // t(0.975) with two degrees of freedom

    [Fact]
    public void ATaskHasTheMeanOverSeedsAndStudentsInterval()
    {
        StudyResults results = Of(Arm("random", (70, 50, 30), (71, 50, 30), (72, 50, 30)));
        SeedEstimate drums = Score(results, "random", "drums")!;
        Assert.Equal([new SeedValue(1, 70), new SeedValue(2, 71), new SeedValue(3, 72)], drums.Seeds); // the two probes count as one
        Assert.Equal(71, drums.Mean, 1e-12);
        Assert.Equal(T2 / Math.Sqrt(3), drums.Interval!.Value.HalfWidth, 1e-5);
        SeedEstimate knn = results.Frameworks[0]["random"].Knn.Scores[0]!;
        Assert.Equal((61, T2 / Math.Sqrt(3)), (knn.Mean, Math.Round(knn.Interval!.Value.HalfWidth, 6)), TupleWithin(1e-5));
    }

    [Fact]
    public void TasksAreAveragedWithinASeedAndAreNoReplicates()
    {
        StudyResults results = Of(Arm("random", (80, 50, 30), (83, 52, 30), (86, 54, 30)));
        Assert.Equal(["drums", "tones", "initials", "events", "speech", "overall"], results.Scopes.Select(scope => scope.Name));
        SeedEstimate speech = Score(results, "random", "speech")!, overall = Score(results, "random", "overall")!;
        Assert.Equal([40, 41, 42], speech.Seeds.Select(seed => seed.Value));
        Assert.Equal(T2 / Math.Sqrt(3), speech.Interval!.Value.HalfWidth, 1e-5);
        Assert.Equal([160 / 3.0, 165 / 3.0, 170 / 3.0], overall.Seeds.Select(seed => seed.Value)); // of tasks, not of families
        Assert.Equal(5 / 3.0 * T2 / Math.Sqrt(3), overall.Interval!.Value.HalfWidth, 1e-5);
    }

    [Fact]
    public void ADifferenceIsPairedSoThatWhatSeedsShareCancels()
    {
        StudyResults results = Of([.. Arm("random", (40, 1, 1), (60, 1, 1), (80, 1, 1)), .. Arm("dwm", (40.5, 1, 1), (60.6, 1, 1), (80.7, 1, 1))]);
        Assert.True(Score(results, "dwm", "drums")!.Interval!.Value.HalfWidth > 49);
        SeedEstimate difference = results.Frameworks[0]["dwm"].Linear.ToBaseline[0]!;
        Assert.Equal(0.6, difference.Mean, 1e-9);
        Assert.Equal(0.1 * T2 / Math.Sqrt(3), difference.Interval!.Value.HalfWidth, 1e-6);
        Assert.True(difference.ExcludesZero);
        Assert.All(results.Frameworks[0]["random"].Linear.ToBaseline, Assert.Null);
    }

    [Fact]
    public void SeedsThatAgreeExactlyHaveNoWidthAndClaimNothing()
    {
        StudyResults results = Of([.. Arm("untrained", (10, 1, 1), (40, 1, 1)), .. Arm("random", (15, 1, 1), (45, 1, 1))]);
        SeedEstimate difference = results.Frameworks[0]["random"].Linear.ToUntrained[0]!;
        Assert.Equal((5, 5, 5), (difference.Mean, difference.Interval!.Value.Low, difference.Interval!.Value.High));
        Assert.Equal((1, false), (difference.PValue, difference.ExcludesZero));
        Assert.All(results.Frameworks[0]["untrained"].Linear.ToUntrained, Assert.Null);
    }

    [Fact]
    public void PairsUseTheSeedsThatBothHaveAndTheRestIsSaid()
    {
        StudyResults results = Of(
        [
            .. Arm("untrained", (50, 40, 30), (50, 40, 30), (50, 40, 30)),
            .. Arm("random", (60, 50, 40), (64, 50, 40)),
            .. Rows("dwm", 2, "drums", 65), .. Rows("dwm", 2, "tones", 51),
            .. Rows("dwm", 3, "drums", 90),
        ]);
        ArmScores dwm = results.Frameworks[0]["dwm"].Linear;
        Assert.Equal([new SeedValue(2, 1)], dwm.ToBaseline[0]!.Seeds);
        Assert.Null(dwm.ToBaseline[0]!.Interval);
        Assert.Null(dwm.ToBaseline[0]!.PValue);
        Assert.Equal([new SeedValue(2, 15), new SeedValue(3, 40)], dwm.ToUntrained[0]!.Seeds);
        Assert.Null(dwm.Scores[results.Overall]); // no seed has all tasks
        Assert.Equal(
        [
            "msm-mae, random: seed 3",
            "msm-mae, dwm: seed 1",
            "msm-mae, dwm: initials of seed 2, which so is in no average over it",
            "msm-mae, dwm: tones, initials of seed 3, which so is in no average over them",
            "msm-mae: the cost of random, dwm",
        ], results.Missing);
    }

    [Fact]
    public void ATaskThatNobodyProbedIsInNoAverage()
    {
        StudyResults results = Of([.. Rows("random", 1, "tones", 50), .. Rows("random", 1, "drums", 80)]);
        Assert.Equal(["drums", "tones", "events", "speech", "overall"], results.Scopes.Select(scope => scope.Name));
        Assert.Equal(65, Score(results, "random", "overall")!.Mean);
        Assert.Contains("initials: not probed yet, so in no average", results.Missing);
    }

    [Fact]
    public void NothingYetIsNoError()
    {
        StudyResults results = Of([]);
        Assert.Empty(results.Scopes);
        Assert.Equal(["nothing was probed yet"], results.Missing);
        Assert.Equal("msm-mae: no arm can be compared with random yet.", StudyVerdict.Of(results)[0].Answer);
        Assert.DoesNotContain("|", StudyTables.Markdown(results));
        Assert.DoesNotContain("tabular", StudyTables.Latex(results));
    }

    [Fact]
    public void RowsThatTheStudyDoesNotAskForAreLeftOutAndCounted()
    {
        StudyRow[] rows =
        [
            .. Arm("random", (70, 50, 30)), .. Rows("other", 1, "drums", 1), .. Rows("random", 9, "drums", 1), .. Rows("random", 1, "pitch", 1),
            .. Rows("random", 1, "drums", 1, framework: "m2d"),
            Rows("random", 1, "drums", 1).First() with { Probe = "strict" }, Rows("random", 1, "drums", 1).First() with { ProbeSeed = 7 },
        ];
        StudyResults results = Of(rows);
        Assert.Equal(14, results.LeftOut);
        Assert.Equal(70, Score(results, "random", "drums")!.Mean);
    }

    [Fact]
    public void ATaskCountsWhenAllItsProbesAreThere() =>
        Assert.Null(Score(Of([.. Rows("random", 1, "tones", 50), .. Rows("random", 1, "drums", 70).Skip(1)]), "random", "drums"));

    [Fact]
    public void RowsThatContradictEachOtherAreRefused()
    {
        StudyRow[] rows = [.. Rows("random", 1, "drums", 70)];
        Assert.Equal(70, Score(Of([.. rows, .. rows]), "random", "drums")!.Mean); // the same twice is no contradiction
        UserErrorException error = Assert.Throws<UserErrorException>(() => Of([.. rows, rows[0] with { Score = 12 }]));
        Assert.Contains("random seed 1 has two different rows for drums", error.Message);
        Assert.Throws<UserErrorException>(() => Of([.. rows, rows[0] with { Seed = 2, Family = "music" }]));
    }

    [Fact]
    public void CostsStandBesideThoseOfTheBaselineAndEqualTimeCostsItsOwnSteps()
    {
        StudyConfig config = Config(arms: "{random: {mask: random}, sgim: {mask: sgim}}", equalTime: "[sgim]");
        StudyResults results = StudyResults.Of(config, [.. Rows("sgim (equal time)", 1, "drums", 50, steps: 40)], [Cost("random", 100, 2), Cost("sgim", 250, 150, inStep: true)]);
        FrameworkResults framework = results.Frameworks[0];
        Assert.Equal(["untrained", "random", "sgim", "sgim (equal time)"], framework.Arms.Select(arm => arm.Name));
        Assert.Null(framework["untrained"].Cost);
        ArmCost random = framework["random"].Cost!, sgim = framework["sgim"].Cost!, equalTime = framework["sgim (equal time)"].Cost!;
        Assert.Equal((0.02, 0), (random.MaskShare, random.MaskShareOfStep)); // loaders mask ahead
        Assert.Equal((0.6, 0.6), (sgim.MaskShare, sgim.MaskShareOfStep));
        Assert.Equal(100 * 250 / 60_000.0, sgim.RunMinutes, 1e-12);
        Assert.Equal(random.RunMinutes, equalTime.RunMinutes, 1e-12);
        Assert.Equal(2.5, framework.RelativeCost(framework["sgim"], cost => cost.RunMinutes)!.Value, 1e-12);
        Assert.Equal(1, framework.RelativeCost(framework["sgim (equal time)"], cost => cost.RunMinutes)!.Value, 1e-12);
        Assert.Null(framework.RelativeCost(framework["untrained"], cost => cost.RunMinutes));
    }

    [Fact]
    public void IntervalsAreCountedOnceAndOverallOnesAdjustedTogether()
    {
        StudyConfig config = Config(frameworks: "{msm-mae: {}, m2d: {ema-start: 0.99}}");
        StudyRow[] one = [.. Arm("random", (50, 50, 50), (50, 50, 50), (50, 50, 50)), .. Arm("dwm", (51, 51, 51), (52, 52, 52), (53, 53, 53))];
        StudyResults results = StudyResults.Of(config, [.. one, .. one.Select(row => row with { Framework = "m2d", Score = row.Score * 2 })], []);
        Assert.Equal(new IntervalCount(10, 0), results.Intervals); // 2 x (3 tasks, speech, overall): events is drums once more
        Assert.Equal(0.5, results.Intervals.ByChance, 1e-12);
        // Student's t with two degrees of freedom: p = 1 - t / sqrt(2 + t^2), here t = 2 sqrt(3).
        double p = 1 - Math.Sqrt(12.0 / 14);
        Assert.All(results.Comparisons, comparison => Assert.Equal((p, 2 * p), (comparison.PValue, comparison.AdjustedPValue), TupleWithin(1e-9)));
        Assert.Equal(["msm-mae", "m2d"], results.Comparisons.Select(comparison => comparison.Framework));
    }

    [Fact]
    public void TheOrderOfRowsChangesNothing()
    {
        StudyRow[] rows = [.. Arm("untrained", (50, 41, 30), (52, 40, 33)), .. Arm("random", (61, 50.5, 40), (64, 51, 41.25)), .. Arm("dwm", (61.75, 52, 40), (63.5, 51, 42))];
        string expected = StudyTables.Markdown(Of(rows));
        Prop.ForAll(Gen.Shuffle(rows).ToArbitrary(), shuffled => StudyTables.Markdown(Of(shuffled)) == expected).QuickCheckThrowOnFailureIn(cases: 100);
    }

    [Fact]
    public void WhatASeedAddsToEveryScoreLeavesDifferencesAlone()
    {
        Gen<double> scores = Gen.Choose(0, 1000).Select(score => score / 10.0);
        Gen<(double[] Scores, double[] Shifts)> cases = from values in Gen.ArrayOf(scores, 18) from shifts in Gen.ArrayOf(scores, 3) select (values, shifts);
        Prop.ForAll(cases.ToArbitrary(), item =>
        {
            StudyRow[] rows = [.. ((string[])["random", "dwm"]).SelectMany((arm, a) => Arm(arm, [.. Enumerable.Range(0, 3).Select(s => (item.Scores[9 * a + 3 * s], item.Scores[9 * a + 3 * s + 1], item.Scores[9 * a + 3 * s + 2]))]))];
            IReadOnlyList<SeedEstimate?> Differences(IEnumerable<StudyRow> of) => Of([.. of]).Frameworks[0]["dwm"].Linear.ToBaseline;
            IReadOnlyList<SeedEstimate?> before = Differences(rows), after = Differences(rows.Select(row => row with { Score = row.Score + item.Shifts[row.Seed - 1] }));
            return before.Zip(after).All(pair => Ends(pair.First).Zip(Ends(pair.Second)).All(end => Math.Abs(end.First - end.Second) < 1e-9));
        }).QuickCheckThrowOnFailureIn(cases: 100);

        static double[] Ends(SeedEstimate? difference) => [difference!.Mean, difference.Interval!.Value.Low, difference.Interval.Value.High];
    }

    [Fact]
    public void AFolderIsReadAsItLies()
    {
        string path = Directory.CreateTempSubdirectory("otomask-study-").FullName;
        try
        {
            var folder = new StudyFolder(path);
            Assert.Throws<UserErrorException>(() => StudyResults.Read(folder));
            File.WriteAllText(folder.Config, Yaml());
            Assert.Equal(["nothing was probed yet"], StudyResults.Read(folder).Missing);
            JsonLines.Append(folder.Rows, Arm("random", (70, 50, 30), (71, 50, 30)));
            JsonLines.Append(folder.Costs, [Cost("random", 100, 2)]);
            File.AppendAllText(folder.Rows, """{"framework":"msm-mae","arm":"dwm","se"""); // cut short by a crash
            StudyResults results = StudyResults.Read(folder);
            Assert.Equal(70.5, Score(results, "random", "drums")!.Mean);
            Assert.Equal(100, results.Frameworks[0]["random"].Cost!.Measured.StepMs);
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static StudyResults Of(IEnumerable<StudyRow> rows) => StudyResults.Of(Config(), [.. rows], []);

    private static SeedEstimate? Score(StudyResults results, string arm, string scope) =>
        results.Frameworks[0][arm].Linear.Scores[results.Scopes.Index().Single(item => item.Item.Name == scope).Index];

    private static IEqualityComparer<(double, double)> TupleWithin(double tolerance) =>
        EqualityComparer<(double, double)>.Create((a, b) => Math.Abs(a.Item1 - b.Item1) < tolerance && Math.Abs(a.Item2 - b.Item2) < tolerance);
}

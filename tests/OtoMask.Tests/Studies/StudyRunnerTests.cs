using OtoMask.Runs;
using OtoMask.Studies;
using OtoMask.Studies.Results;

namespace OtoMask.Tests.Studies;

[NoTensorLeaks]
[Collection(NoTensorLeaksAttribute.Collection)]
public sealed class StudyRunnerTests : IDisposable
{
    private readonly StudyFixture fixture = new();

    [Fact]
    public void A_study_probes_every_cell_and_says_how_far_it_is()
    {
        StudyFolder folder = fixture.NewFolder("whole");
        StudyObserver observer = Run(folder, config => config with { EqualTime = ["sgim"] });

        IReadOnlyList<StudyRow> rows = JsonLines.Read<StudyRow>(folder.Rows);
        string[] arms = ["untrained", "random", "sgim", "sgim (equal time)"];
        Assert.Equal(
            from seed in (ulong[])[1, 2] from arm in arms from probe in (string[])["tuned 7", "tuned 8", "knn "] select $"{arm} {seed} {probe}",
            rows.Select(row => $"{row.Arm} {row.Seed} {row.Probe} {row.ProbeSeed}"));
        Assert.All(rows, row => Assert.Equal(("m2d", "tones", "events", "accuracy"), (row.Framework, row.Task, row.Family, row.Metric)));
        Assert.All(rows, row => Assert.InRange(row.Score, 0, 100));
        // Self-guided masking costs three times as much, so its time is up after a third of the steps.
        Assert.Equal([0L, 12, 12, 4], rows.Where(row => row.Seed == 1 && row.Probe == StudyRow.Knn).Select(row => row.Steps));

        Assert.Equal(8, observer.Begun.Count);
        Assert.Equal((0, 1), (observer.Shares[0], observer.Shares[^1]));
        IReadOnlyList<StudyConfusion> confusions = JsonLines.Read<StudyConfusion>(folder.Confusions);
        Assert.Equal(8, confusions.Count);
        Assert.All(confusions, confusion => Assert.Equal(2 * 8, confusion.Counts.Sum(row => row.Sum()))); // probe seeds x test clips
        // The confusion matrix tells the same accuracy as the rows.
        Assert.All(confusions, confusion => Assert.Equal(
            rows.Where(row => (row.Arm, row.Seed) == (confusion.Arm, confusion.Seed) && row.ProbeSeed is not null).Average(row => row.Score),
            100.0 * confusion.Counts.Select((row, i) => row[i]).Sum() / 16, precision: 3));
    }

    [Fact]
    public void Arms_of_one_seed_begin_alike_and_see_the_same_crops()
    {
        StudyFolder folder = fixture.NewFolder("paired");
        Run(folder, config => config with { Arms = [.. config.Arms, config.Arms[0] with { Name = "random again" }] });

        string[] Log(string arm) => [.. File.ReadLines(new RunFolder(Path.Combine(folder.Path, "runs", "m2d", arm, "seed-1")).Log).Select(WithoutSpeeds)];
        Assert.Equal(Log("random"), Log("random%20again"));
        Assert.Equal(Log("random")[0], Log("sgim")[0]); // RankMe before the first step: the same weights and crops
        Assert.NotEqual(Log("random"), Log("sgim"));
    }

    [Fact]
    public void A_study_stopped_anywhere_ends_with_the_same_rows()
    {
        StudyFolder whole = fixture.NewFolder("whole"), stopped = fixture.NewFolder("stopped");
        Run(whole);

        int sittings = 0;
        for (bool finished = false; !finished; sittings++)
        {
            using var stop = new CancellationTokenSource();
            var observer = new StudyObserver
            {
                OnStep = step => Stop(step == 5),
                OnScore = () => Stop(sittings % 3 == 2),
            };
            void Stop(bool now)
            {
                if (now)
                    stop.Cancel();
            }
            try
            {
                new StudyRunner(fixture.Plan(), stopped, new DecreedCosts(), observer).Run(stop.Token);
                finished = true;
            }
            catch (OperationCanceledException)
            {
                Assert.InRange(observer.StepsTaken, 0, 5);
            }
        }

        Assert.InRange(sittings, 5, 40);
        Assert.Equal(File.ReadAllText(whole.Rows), File.ReadAllText(stopped.Rows));
        Assert.Equal(File.ReadAllText(whole.Confusions), File.ReadAllText(stopped.Confusions));
    }

    [Fact]
    public void What_is_finished_is_not_done_again_even_where_its_runs_are_gone()
    {
        StudyFolder folder = fixture.NewFolder("study");
        Run(folder);
        string rows = File.ReadAllText(folder.Rows);
        Directory.Delete(Path.Combine(folder.Path, "runs"), recursive: true);
        Directory.Delete(folder.Cache, recursive: true);
        File.AppendAllText(folder.Rows, "{\"framework\":\"m2d\",\"ar"); // as a crash within a write leaves it

        var costs = new DecreedCosts();
        var observer = new StudyObserver();
        new StudyRunner(fixture.Plan(config => config with { Seeds = [1, 2, 3] }), folder, costs, observer).Run(CancellationToken.None);

        Assert.Equal(0, costs.Measured);
        Assert.Equal(["m2d/untrained/seed-3", "m2d/random/seed-3", "m2d/sgim/seed-3"], observer.Begun);
        Assert.StartsWith(rows, File.ReadAllText(folder.Rows));
        Assert.Equal(27, JsonLines.Read<StudyRow>(folder.Rows).Count);
    }

    [Fact]
    public void More_probes_may_be_asked_for_later_and_leave_the_other_rows_as_they_are()
    {
        StudyFolder folder = fixture.NewFolder("study");
        StudyConfig One(StudyConfig config) => config with { Seeds = [1] };
        Run(folder, One);
        IReadOnlyList<StudyRow> rows = JsonLines.Read<StudyRow>(folder.Rows);

        StudyConfig More(StudyConfig config) => One(config) with { Attentive = true, Shots = [1, 5] };
        Assert.Equal(3, Run(folder, More).Begun.Count);
        IReadOnlyList<StudyRow> all = JsonLines.Read<StudyRow>(folder.Rows);
        Assert.Empty(rows.Except(all));
        Assert.Equal(
            ["1-shot", "5-shot", "attentive 7", "attentive 8"],
            all.Except(rows).Where(row => row.Arm == "sgim").Select(row => $"{row.Probe} {row.ProbeSeed}".TrimEnd()).Order());
        Assert.Empty(Run(folder, More).Begun);
        Assert.Empty(Run(folder, One).Begun);

        ArmResults sgim = StudyResults.Of(fixture.Plan(More).Config, all, JsonLines.Read<StudyCost>(folder.Costs)).Frameworks[0]["sgim"];
        Assert.Equal(["attentive", "1-shot", "5-shot"], sgim.More.Select(probe => probe.Probe));
        Assert.All(sgim.More, probe => Assert.NotNull(probe.Scores.ToBaseline[^1]));
    }

    [Fact]
    public void A_study_that_fine_tunes_may_be_stopped_within_it_and_ends_with_the_same_rows()
    {
        StudyConfig FineTuned(StudyConfig config) => config with { Seeds = [1], FineTuning = [new("epochs", "3"), new("batch", "7"), new("optimizer", "adamw"), new("lr", "3e-3"), new("freq-mask", "8"), new("time-mask", "8")] };
        StudyFolder whole = fixture.NewFolder("whole"), stopped = fixture.NewFolder("stopped");
        Run(whole, FineTuned);
        StudyRow[] rows = [.. JsonLines.Read<StudyRow>(whole.Rows).Where(row => row.Probe == StudyRow.FineTuned)];
        Assert.Equal(["untrained", "random", "sgim"], rows.Select(row => row.Arm));
        Assert.All(rows, row => Assert.InRange(row.Score, 0, 100));
        Assert.True(File.Exists(new RunFolder(Path.Combine(whole.Path, "finetunings", "m2d", "sgim", "seed-1", "tones")).BestCheckpoint));

        // The untrained network takes no step before the 4th of its fine-tuning.
        using (var stop = new CancellationTokenSource())
        {
            var observer = new StudyObserver
            {
                OnStep = step =>
                {
                    if (step == 4)
                        stop.Cancel();
                },
            };
            Assert.ThrowsAny<OperationCanceledException>(() => new StudyRunner(fixture.Plan(FineTuned), stopped, new DecreedCosts(), observer).Run(stop.Token));
            Assert.Equal(["m2d/untrained/seed-1"], observer.Begun);
        }
        Run(stopped, FineTuned);
        Assert.Equal(File.ReadAllText(whole.Rows), File.ReadAllText(stopped.Rows));

        // Other settings are another result; the probes' rows do not depend on them.
        StudyConfig Longer(StudyConfig config) => FineTuned(config) with { FineTuning = [new("epochs", "4"), new("batch", "7")] };
        Assert.Contains("from another configuration", Assert.Throws<UserErrorException>(() => Run(whole, Longer)).Message);
        Assert.Empty(Run(whole, config => config with { Seeds = [1] }).Begun);
        ArmResults sgim = StudyResults.Of(fixture.Plan(FineTuned).Config, JsonLines.Read<StudyRow>(whole.Rows), JsonLines.Read<StudyCost>(whole.Costs)).Frameworks[0]["sgim"];
        Assert.Equal(["fine-tuned"], sgim.More.Select(probe => probe.Probe));
        Assert.NotNull(sgim.More[0].Scores.ToBaseline[^1]);
    }

    [Theory]
    [InlineData("rows.jsonl", 17), InlineData("rows.jsonl", 16), InlineData("rows.jsonl", 9)]
    [InlineData("rows.jsonl", 2), InlineData("rows.jsonl", 0)]
    [InlineData("confusions.jsonl", 5), InlineData("confusions.jsonl", 2)]
    public void A_cell_of_which_a_line_is_missing_is_probed_again_and_ends_with_the_same_rows(string file, int line)
    {
        StudyFolder folder = fixture.NewFolder("study");
        Run(folder);
        string path = Path.Combine(folder.Path, file), rows = File.ReadAllText(folder.Rows), confusions = File.ReadAllText(folder.Confusions);
        string[] lines = File.ReadAllLines(path);

        File.WriteAllText(path, string.Concat(lines.Take(line).Select(whole => whole + "\n")) + lines[line][..20]); // cut within a line
        Run(folder);
        Assert.Equal((rows, confusions), (File.ReadAllText(folder.Rows), File.ReadAllText(folder.Confusions)));

        File.WriteAllLines(path, lines.Where((_, i) => i != line)); // lost between others
        StudyObserver observer = Run(folder);
        Assert.Single(observer.Begun);
        Assert.Equal(rows.Split('\n').Order(), File.ReadAllText(folder.Rows).Split('\n').Order());
        Assert.Equal(confusions.Split('\n').Order(), File.ReadAllText(folder.Confusions).Split('\n').Order());
    }

    [Fact]
    public void Lines_that_stand_there_twice_count_once()
    {
        StudyFolder folder = fixture.NewFolder("study");
        StudyConfig EqualTime(StudyConfig config) => config with { EqualTime = ["sgim"] };
        Run(folder, EqualTime);
        string rows = File.ReadAllText(folder.Rows);
        File.AppendAllText(folder.Rows, rows);
        File.AppendAllText(folder.Confusions, File.ReadAllText(folder.Confusions));
        JsonLines.Append(folder.Costs, [new StudyCost("m2d", "sgim", StepMs: 77, 1, true, 400, 0.1, 200), new StudyCost("m2d", "random", StepMs: 5, 1, false, 400, 0.1, 200)]);

        Assert.Empty(Run(folder, EqualTime).Begun); // the first costs count: with the others, runs at equal time would have other steps
        StudyObserver grown = Run(folder, config => EqualTime(config) with { Seeds = [1, 2, 3] });
        Assert.Equal(4, grown.Begun.Count);
        Assert.Equal(4, JsonLines.Read<StudyRow>(folder.Rows).Last().Steps);
    }

    [Fact]
    public void Rows_that_contradict_each_other_are_refused_before_anything_is_changed()
    {
        StudyFolder folder = fixture.NewFolder("study");
        Run(folder);
        StudyRow row = JsonLines.Read<StudyRow>(folder.Rows)[0];
        JsonLines.Append(folder.Rows, [row with { Score = row.Score + 1 }]);

        string message = Assert.Throws<UserErrorException>(() => StudyRunner.RequireOwnScores(fixture.Plan(), folder)).Message;
        Assert.Contains("m2d untrained seed 1 has two different rows for tones", message);
    }

    [Fact]
    public void One_process_at_a_time_works_on_a_study()
    {
        StudyFolder folder = fixture.NewFolder("study");
        using (folder.Occupy())
            Assert.Contains("another process is at work", Assert.Throws<UserErrorException>(fixture.NewFolder("study").Occupy).Message);
        folder.Occupy().Dispose();
    }

    [Fact]
    public void Scores_and_runs_of_another_configuration_are_refused()
    {
        StudyFolder folder = fixture.NewFolder("study");
        Run(folder);
        StudyConfig Longer(StudyConfig config) => config with { Pretraining = [.. config.Pretraining, new Setting("steps", "13")] };

        Assert.Contains("another configuration or other data", Assert.Throws<UserErrorException>(() => Run(folder, Longer)).Message);

        File.Delete(folder.Rows); // the runs remain
        Assert.Contains("holds a run of another configuration", Assert.Throws<UserErrorException>(() => Run(folder, Longer)).Message);
    }

    [Fact]
    public void A_line_that_is_no_row_is_named()
    {
        StudyFolder folder = fixture.NewFolder("study");
        Directory.CreateDirectory(folder.Path);
        File.WriteAllText(folder.Rows, "{\"framework\":\"m2d\"}\n");

        UserErrorException error = Assert.Throws<UserErrorException>(() => Run(folder));

        Assert.Contains("rows.jsonl, line 1", error.Message);
    }

    public void Dispose() => fixture.Dispose();

    private StudyObserver Run(StudyFolder folder, Func<StudyConfig, StudyConfig>? change = null)
    {
        var observer = new StudyObserver();
        new StudyRunner(fixture.Plan(change), folder, new DecreedCosts(), observer).Run(CancellationToken.None);
        return observer;
    }

    private static string WithoutSpeeds(string line) => line.Contains("clips_per_second", StringComparison.Ordinal) ? line[..line.IndexOf(",\"clips_per_second", StringComparison.Ordinal)] : line;
}

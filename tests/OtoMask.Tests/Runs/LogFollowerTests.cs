using OtoMask.Configuration;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Tests.Interop;
using OtoMask.Tests.Pretraining;

namespace OtoMask.Tests.Runs;

/// <summary>Reading a log while it is written.</summary>
[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class LogFollowerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Rows_are_seen_as_they_are_written_each_once()
    {
        var run = new RunFolder(folder.Path);
        var follower = new LogFollower(run.Log);
        Assert.Empty(follower.ReadNew()); // not there yet
        using (var log = new LogWriter(run, step: 0))
        {
            for (int step = 1; step <= 5; step++)
            {
                log.Add(Step(step));
                Assert.Equal(step, Assert.IsType<StepRecord>(Assert.Single(follower.ReadNew())).Step); // no flush, no wait
            }
            log.Add(new EvaluationRecord(5, 1, "rankme", double.NaN));
            log.Add(5, new ConfigChange("batch", "4", "8"));
            Assert.Collection(follower.ReadNew(), row => Assert.True(double.IsNaN(Assert.IsType<EvaluationRecord>(row).Value)), row => Assert.Equal("8", Assert.IsType<ChangeRecord>(row).New));
            Assert.Empty(follower.ReadNew());
        }
        Assert.False(follower.HasBegunAnew);
    }

    [Fact]
    public void A_line_that_is_not_finished_is_seen_when_it_is_and_a_broken_one_never()
    {
        string file = folder.File("log.jsonl"), row = Step(1).ToJson();
        File.WriteAllText(file, row[..20]);
        var follower = new LogFollower(file);
        Assert.Empty(follower.ReadNew());
        File.AppendAllText(file, row[20..] + "\n{broken\n");
        Assert.Equal(1, Assert.Single(follower.ReadNew()).Step);
        File.AppendAllText(file, Step(2).ToJson() + "\n");
        Assert.Equal(2, Assert.Single(follower.ReadNew()).Step);
    }

    [Fact]
    public void A_log_that_a_resumed_run_writes_anew_is_read_anew()
    {
        var run = new RunFolder(folder.Path);
        using (var log = new LogWriter(run, step: 0))
        {
            for (int step = 1; step <= 4; step++)
                log.Add(Step(step));
        }
        var follower = new LogFollower(run.Log);
        Assert.Equal(4, follower.ReadNew().Count);
        using (var log = new LogWriter(run, step: 2))
            log.Add(Step(3));
        Assert.Equal([1, 2, 3], follower.ReadNew().Select(row => row.Step));
        Assert.True(follower.HasBegunAnew);
        Assert.Empty(follower.ReadNew());
        Assert.False(follower.HasBegunAnew);
    }

    [Fact]
    public void A_row_comes_back_as_it_was_written()
    {
        StepRecord step = Step(7) with { Hint = null, GradientNorm = double.PositiveInfinity, Applied = false, Parts = [("near", 0.25), ("far", double.NaN)] };
        var back = Assert.IsType<StepRecord>(LogRow.Parse(step.ToJson()));
        Assert.Equal(step.Parts, back.Parts);
        Assert.Null(back.GradientNorm); // JSON has no infinity
        Assert.Equal(step with { Parts = [], GradientNorm = null }, back with { Parts = [], GradientNorm = null }, (one, other) => one!.ToJson() == other!.ToJson());
    }

    [Fact]
    public void Whether_a_run_is_alive_can_be_asked()
    {
        using var data = new TrainingFolder();
        var run = new RunFolder(Path.Combine(data.Path, "run"));
        Assert.False(run.IsOccupied);
        List<bool> during = [];
        var observer = new RecordingObserver { OnStep = _ => during.Add(new RunFolder(run.Path).IsOccupied) };
        using (var training = PretrainingRun.Begin(run.Path, data.Config with { Epochs = 1 }, observer))
            training.Train();
        Assert.NotEmpty(during);
        Assert.All(during, Assert.True);
        Assert.False(run.IsOccupied);
    }

    private static StepRecord Step(long step) => new(step, 0, 1.5, 1e-4, 0.5, 0.999, 2, Applied: true, 100, 0.01, 0.5);
}

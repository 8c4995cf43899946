using OtoMask.App.Serve.Watching;
using OtoMask.Runs;

namespace OtoMask.Tests.Serve;

public sealed class LogGlanceTests : IDisposable
{
    private const int Much = 1 << 24;
    private readonly string log = Path.Combine(Directory.CreateTempSubdirectory("otomask-").FullName, "log.jsonl");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(log)!, recursive: true);

    [Fact]
    public void The_newest_step_is_there_at_once_and_evaluations_by_and_by()
    {
        WriteSteps(1, 5000, evaluateEvery: 1000);
        var glance = new LogGlance(log);
        Assert.True(glance.Look(1000));
        Assert.Equal(5000, glance.LastStep!.Step);
        Assert.Empty(glance.Evaluations);
        int looks = 1;
        while (glance.Look(100_000))
            looks++;
        Assert.Equal(5000, glance.Evaluations["rankme"]);
        Assert.InRange(looks, new FileInfo(log).Length / 100_000, (new FileInfo(log).Length / 90_000) + 2);   // nothing is read twice
        Assert.InRange(glance.StepsPerEpoch!.Value, 900, 1200);
    }

    [Fact]
    public void What_is_appended_is_read_a_line_that_is_half_written_is_not()
    {
        WriteSteps(1, 10, evaluateEvery: 5);
        var glance = new LogGlance(log);
        glance.Look(Much);
        Assert.False(glance.Look(Much));
        string row = new EvaluationRecord(20, 0, "rankme", 77).ToJson();
        File.AppendAllText(log, row[..20]);
        glance.Look(Much);
        Assert.Equal(10, glance.Evaluations["rankme"]);
        File.AppendAllText(log, row[20..] + "\n" + Step(21).ToJson() + "\n");
        Assert.True(glance.Look(Much));
        Assert.Equal((77, 21), (glance.Evaluations["rankme"], glance.LastStep!.Step));
    }

    [Fact]
    public void A_log_that_begins_anew_is_another_one()
    {
        WriteSteps(1, 100, evaluateEvery: 10);
        var glance = new LogGlance(log);
        glance.Look(Much);
        File.Delete(log);
        WriteSteps(1, 3, evaluateEvery: 100);
        Assert.True(glance.Look(Much));
        Assert.Equal((3, 0), (glance.LastStep!.Step, glance.Evaluations.Count));
    }

    [Theory]
    [InlineData("")]
    [InlineData("no log\nat all\n")]
    [InlineData("{\"metric\":1}\n{\"metric\":\"rankme\"}\n\"metric\"\n")]
    [InlineData("\"metric\"")]
    public void What_is_no_log_tells_nothing(string text)
    {
        File.WriteAllText(log, text);
        var glance = new LogGlance(log);
        glance.Look(Much);
        glance.Look(Much);
        Assert.Null(glance.LastStep);
        Assert.Empty(glance.Evaluations);
    }

    [Fact]
    public void A_line_without_end_is_passed_over_piece_by_piece()
    {
        File.WriteAllText(log, new string('x', 300_000) + "\n" + new EvaluationRecord(1, 0, "rankme", 5).ToJson() + "\n" + Step(1).ToJson() + "\n");
        var glance = new LogGlance(log);
        for (int look = 0; look < 10; look++)
            glance.Look(100_000);
        Assert.Equal(5, glance.Evaluations["rankme"]);
    }

    internal static StepRecord Step(long step, int epoch = 0) => new(step, epoch, 1.0 / step, 0.001, 0.5, 0.999, 1, Applied: true, 100, 0, 0.1);

    private void WriteSteps(int first, int last, int evaluateEvery)
    {
        using StreamWriter writer = File.AppendText(log);
        for (int step = first; step <= last; step++)
        {
            writer.WriteLine(Step(step, (step - 1) / 1000).ToJson());
            if (step % evaluateEvery == 0)
                writer.WriteLine(new EvaluationRecord(step, step / 1000, "rankme", step).ToJson());
        }
    }
}

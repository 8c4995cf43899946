using OtoMask.Runs;

namespace OtoMask.Tests.Runs;

public sealed class RunLogTests : IDisposable
{
    private const string Step =
        """{"step":1,"epoch":5,"loss":0.9,"lr":1e-4,"hint":1,"ema":0.999,"grad_norm":2.5,"clips_per_second":500,"data_wait":0.01}""";

    private readonly string file = Path.GetTempFileName();

    public void Dispose() => File.Delete(file);

    [Fact]
    public void Steps_and_evaluations_are_read_and_other_rows_passed_over()
    {
        RunLog log = Read(Step, """{"note":"epoch done"}""", """{"step":1,"epoch":5,"metric":"rankme","value":31.5}""");
        StepRecord row = Assert.Single(log.Steps);
        Assert.Empty(row.Parts);
        Assert.Equal(new StepRecord(1, 5, 0.9, 1e-4, 1, 0.999, 2.5, Applied: true, 500, 0.01, MaskMilliseconds: null) { Parts = row.Parts }, row);
        Assert.Equal([new EvaluationRecord(1, 5, "rankme", 31.5)], log.Evaluations);
    }

    [Fact]
    public void A_loss_that_is_not_finite_and_fields_left_out_are_read()
    {
        StepRecord row = Assert.Single(Read("""{"step":2,"loss":"NaN"}""").Steps);
        Assert.True(double.IsNaN(row.Loss));
        Assert.Null(row.Ema);
    }

    [Fact]
    public void A_last_line_cut_short_is_left_out() => Assert.Single(Read(Step, Step[..40]).Steps);

    [Theory]
    [InlineData("{\"step\":")]
    [InlineData("[1, 2]")]
    [InlineData("{\"loss\":\"high\",\"step\":1}")]
    [InlineData("{\"\\ud800\":1,\"step\":1}")]
    public void A_broken_line_before_the_last_is_named(string broken) =>
        Assert.Contains("line 2", Assert.Throws<UserErrorException>(() => Read(Step, broken, Step)).Message);

    [Fact]
    public void A_missing_log_is_the_users_error() =>
        Assert.Contains("nowhere", Assert.Throws<UserErrorException>(() => RunLog.Read("nowhere/log.jsonl")).Message);

    private RunLog Read(params string[] lines)
    {
        File.WriteAllLines(file, lines);
        return RunLog.Read(file);
    }
}

using OtoMask.Runs;
using OtoMask.Tests.Interop;

namespace OtoMask.Tests.Runs;

/// <summary>The log of a run that goes on.</summary>
public sealed class LogWriterTests : IDisposable
{
    private const string
        Rank = """{"kind":"evaluation","step":0,"epoch":0,"metric":"rankme","value":7.5}""",
        LaterRank = """{"kind":"evaluation","step":2,"epoch":1,"metric":"rankme","value":9}""",
        Taken = """{"kind":"step","step":1,"loss":1.5,"applied":true}""",
        Skipped = """{"kind":"step","step":2,"loss":null,"applied":false}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Rows_up_to_its_step_stay_and_tell_where_it_stands()
    {
        string earlier = """{"kind":"change","step":1,"key":"batch","old":"4","new":"8"}""", undone = earlier.Replace(":1,", ":2,", StringComparison.Ordinal);
        string warned = """{"kind":"warning","step":1,"message":"another version"}""", warnsAgain = warned.Replace(":1,", ":2,", StringComparison.Ordinal);
        using LogWriter log = GoOn(step: 2, Rank, Taken, earlier, warned, Skipped, LaterRank, undone, warnsAgain, Skipped.Replace(":2,", ":3,", StringComparison.Ordinal));
        Assert.Equal([Rank, Taken, earlier, warned, Skipped, LaterRank], Rows());
        Assert.Equal(7.5, log.FirstRank);
        Assert.Equal(1, log.SkippedInARow);
    }

    [Fact]
    public void What_the_beginning_warned_of_stays_where_a_run_goes_on_from_its_beginning()
    {
        string warned = """{"kind":"warning","step":0,"message":"1 of 13 clips cannot be used"}""";
        GoOn(step: 0, warned, Rank, Taken).Dispose();
        Assert.Equal([warned, Rank], Rows());
    }

    [Theory]
    [InlineData("""{"kind":"step","step":1,"loss":1.""")] // cut short
    [InlineData("""{"kind":true,"step":1}""")]
    [InlineData("""{"kind":"step","step":"1"}""")]
    [InlineData("""{"kind":"step","step":1e99}""")]
    [InlineData("""{"kind":"step","step":1,"step":2}""")]
    [InlineData("""{"kind":"step","step":1,"applied":{}}""")]
    [InlineData("""{"kind":"\ud800","step":1}""")]
    [InlineData("""{"\ud800":"step","step":1}""")]
    [InlineData("""{"kind":"step"}""")]
    [InlineData("[1]")]
    [InlineData("null")]
    [InlineData("")]
    public void A_line_that_is_no_row_is_dropped_and_the_run_goes_on(string damaged)
    {
        GoOn(step: 1, Taken, damaged, Rank).Dispose();
        Assert.Equal([Taken, Rank], Rows());
    }

    private LogWriter GoOn(long step, params string[] rows)
    {
        var run = new RunFolder(folder.Path);
        File.WriteAllLines(run.Log, rows);
        return new LogWriter(run, step);
    }

    private string[] Rows() => File.ReadAllLines(new RunFolder(folder.Path).Log);
}

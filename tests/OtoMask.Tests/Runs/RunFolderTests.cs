using OtoMask.Runs;
using OtoMask.Tests.Interop;

namespace OtoMask.Tests.Runs;

/// <summary>Which folder a run may begin in: what somebody would miss stays.</summary>
public sealed class RunFolderTests : IDisposable
{
    private const string
        Rank = """{"kind":"evaluation","step":0,"epoch":0,"metric":"rankme","value":7.5}""",
        LaterRank = """{"kind":"evaluation","step":2,"epoch":1,"metric":"rankme","value":9}""",
        Change = """{"kind":"change","step":0,"key":"batch","old":"4","new":"8"}""",
        Warning = """{"kind":"warning","step":0,"message":"few patches"}""",
        Step = """{"kind":"step","step":1,"loss":1.5}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(true, Rank)]
    [InlineData(true, Rank, Change)]
    [InlineData(true, Warning)]
    [InlineData(true, Warning, Rank)]
    [InlineData(false, Warning, Step)]
    [InlineData(true, Rank, "{\"kind\":\"step\",\"st")] // cut short
    [InlineData(false, Step)]
    [InlineData(false, Rank, Step)]
    [InlineData(false, Rank, LaterRank)]
    [InlineData(false, Rank, Step, "no row", "neither")] // nobody reads so far
    [InlineData(false, Rank, "no row", "neither")]
    [InlineData(false, Change)]
    [InlineData(false, "no row")]
    public void A_folder_whose_run_was_stopped_before_its_first_checkpoint_is_free_unless_its_log_tells_of_work(bool isFree, params string[] log)
    {
        var run = new RunFolder(folder.File("run"));
        run.Create();
        run.Release();
        File.WriteAllLines(run.Log, log);

        Exception? refusal = Record.Exception(new RunFolder(run.Path).RequireFree);
        Assert.Equal(isFree, refusal is null);
        Assert.True(refusal is null or UserErrorException);
    }

    [Fact]
    public void A_log_is_read_no_further_than_it_is_asked_for()
    {
        File.WriteAllLines(folder.File("log.jsonl"), [Rank, Step, "no row", "neither"]);
        Assert.Equal([0L, 1], RunLog.Rows(folder.File("log.jsonl")).Take(2).Select(row => row.Step));
        Assert.Throws<UserErrorException>(() => RunLog.Read(folder.File("log.jsonl")));
    }
}

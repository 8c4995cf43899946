namespace OtoMask.Tests.App;

/// <summary>What the operator allows: too little ends the program at once, in one line, with exit code 2.</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData("ulimit -v 4000000", "4096 MB of address space")]
    [InlineData("ulimit -n 40", "40 open files")]
    [InlineData("ulimit -n 100", "100 open files")]
    [InlineData("exec >&-", "standard output is closed")]
    public void Too_little_is_told_at_the_start(string limit, string expected) => Run(limit).AssertUserError(expected);

    [Fact]
    public void Without_any_output_the_exit_code_says_it_alone() => Assert.Equal((2, "", ""), Said(Run("exec >&- 2>&-")));

    [UnprivilegedFact]
    public void Few_processes_are_told_to_a_user_whom_the_limit_binds()
    {
        string[] asNobody = Environment.IsPrivilegedProcess ? ["--reuid=65531", "--regid=65531", "--clear-groups"] : [];
        string[] shell = ["bash", "-c", "ulimit -u 14; exec \"$@\"", "bash", "dotnet", AppProcess.App, "--version"];
        AppResult result = asNobody.Length > 0
            ? AppProcess.RunProgram("setpriv", [.. asNobody, .. shell], _ => { })
            : AppProcess.RunProgram(shell[0], shell[1..], _ => { });
        result.AssertUserError("14 processes and threads");
    }

    private static AppResult Run(string limit) => AppProcess.RunProgram("bash", ["-c", $"{limit}; exec dotnet \"$0\" --version", AppProcess.App], _ => { });

    private static (int, string, string) Said(AppResult result) => (result.ExitCode, result.Output, result.Error);
}

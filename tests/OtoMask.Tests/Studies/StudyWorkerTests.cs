using OtoMask.Randomness;
using OtoMask.Studies;
using OtoMask.Tests.App;
using OtoMask.Tests.Survival;
using Xunit.Abstractions;

namespace OtoMask.Tests.Studies;

/// <summary>Processes that share a study end with the rows of one that does it alone, also where some of them die. Takes a minute and more: every worker loads libtorch.</summary>
public sealed class StudyWorkerTests : IDisposable
{
    private readonly ITestOutputHelper output;
    private readonly StudyFixture fixture = new();
    private readonly string file;

    public StudyWorkerTests(ITestOutputHelper output)
    {
        this.output = output;
        file = Path.Combine(fixture.Folder, "study.yaml");
        File.WriteAllText(file, fixture.Yaml);
    }

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Three_workers_share_the_runs_and_end_with_the_same_rows()
    {
        StudyFolder alone = Alone(), folder = fixture.NewFolder("shared");
        AppProcess[] workers = [.. Enumerable.Range(0, 3).Select(_ => Start(folder))];
        AppResult[] ends = [.. workers.Select(worker => worker.Wait())];
        Assert.All(ends, end => Assert.True(end.ExitCode == 0, end.Error));
        AssertSame(alone, folder);
        Assert.True(File.Exists(folder.Report));
        Assert.Equal(3, JsonLines.Read<StudyCost>(folder.Costs).Count + 1); // measured once, by the first

        static int Begun(AppResult worker) => worker.Output.Split('\n').Count(line => line.StartsWith("run ", StringComparison.Ordinal));
        output.WriteLine($"runs begun: {string.Join(", ", ends.Select(Begun))}");
        Assert.Equal(6, ends.Sum(Begun)); // nothing twice
        Assert.True(ends.Count(end => Begun(end) > 0) >= 2, "one of them did all the work");
    }

    [Fact]
    public void What_a_killed_worker_leaves_another_goes_on_with()
    {
        StudyFolder alone = Alone(), folder = fixture.NewFolder("killed");
        var random = new RandomStream(5, RandomPurpose.Probe);
        int kills = KilledRun.KillsOr(4), killed = 0;
        for (int life = 0; life < kills; life++)
        {
            AppProcess[] workers = [Start(folder), Start(folder)];
            AppProcess victim = workers[random.NextInt32(2)];
            victim.EndsWithin(TimeSpan.FromSeconds(1 + 8 * random.NextDouble()));
            victim.Kill();
            AppResult[] ends = [.. workers.Select(worker => worker.Wait())];
            AppResult end = ends[1 - Array.IndexOf(workers, victim)];
            Assert.True(end.ExitCode == 0, end.Error);
            killed += ends.Count(one => one.ExitCode != 0);
            AssertSame(alone, folder);
            Directory.Delete(folder.Path, recursive: true);
        }
        output.WriteLine($"{killed} of {kills} were killed at work");
    }

    [Fact]
    public void Who_shares_and_who_does_not_keep_out_of_each_others_way()
    {
        StudyFolder folder = fixture.NewFolder("shared");
        string other = Path.Combine(fixture.Folder, "other.yaml");
        File.WriteAllText(other, fixture.Yaml.Replace("steps: 12", "steps: 13", StringComparison.Ordinal));
        using (AppProcess worker = Start(folder))
        {
            SpinWait.SpinUntil(() => worker.HasExited || File.Exists(folder.Config));
            AppProcess.Run("study", file, "--out", folder.Path).AssertUserError(folder.Path, "--worker");
            AppProcess.Run("study", other, "--out", folder.Path, "--worker").AssertUserError(folder.Path, "another study file");
            worker.Signal("TERM");
            AppResult end = worker.Wait();
            Assert.Equal(143, end.ExitCode);
            Assert.Contains("what is done stays", end.Output);
        }
        using (folder.Occupy())
            AppProcess.Run("study", file, "--out", folder.Path, "--worker").AssertUserError(folder.Path, "no worker");
        AppProcess.Run("study", file, "--out", folder.Path, "--worker", "--report-only").AssertUserError("--worker has no effect");
    }

    private AppProcess Start(StudyFolder folder) => AppProcess.StartWith("OMP_NUM_THREADS", "1", "study", file, "--out", folder.Path, "--worker");

    private StudyFolder Alone()
    {
        StudyFolder alone = fixture.NewFolder("alone");
        AppResult whole = AppProcess.Run("study", file, "--out", alone.Path);
        Assert.True(whole.ExitCode == 0, whole.Error);
        return alone;
    }

    /// <summary>The rows are the same but for their order, which is that in which runs end.</summary>
    private static void AssertSame(StudyFolder alone, StudyFolder folder)
    {
        static string[] Lines(string file) => [.. File.ReadAllLines(file).Order(StringComparer.Ordinal)];
        Assert.Equal(Lines(alone.Rows), Lines(folder.Rows));
        Assert.Equal(Lines(alone.Confusions), Lines(folder.Confusions));
    }
}

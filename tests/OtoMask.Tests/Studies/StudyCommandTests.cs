using OtoMask.Models;
using OtoMask.Studies;
using OtoMask.Tests.App;
using OtoMask.Tests.Models;

namespace OtoMask.Tests.Studies;

/// <summary>The command in processes of its own. Its tests take half a minute: each start loads libtorch, and arms are timed in further processes.</summary>
public sealed class StudyCommandTests : IDisposable
{
    private readonly StudyFixture fixture = new();

    [Fact]
    public void A_study_ends_with_its_page_and_its_tables_when_it_is_asked_for_again()
    {
        string file = Path.Combine(fixture.Folder, "study.yaml"), study = Path.Combine(fixture.Folder, "study"), tables = Path.Combine(fixture.Folder, "tables.md");
        File.WriteAllText(file, fixture.Yaml);
        Assert.Equal(0, AppProcess.Run("study", file, "--out", study).ExitCode);
        AssertReport(file, study);

        string rows = File.ReadAllText(Path.Combine(study, "rows.jsonl"));
        AppResult again = AppProcess.Run("study", file, "--out", study, "--markdown", tables, "--latex", "-");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal(rows, File.ReadAllText(Path.Combine(study, "rows.jsonl")));
        Assert.Contains("m2d: over 2 seeds, on tones, sgim differs from random by ", again.Output);
        Assert.Contains(@"\begin{tabular}", again.Output);
        Assert.Contains("### m2d: costs", File.ReadAllText(tables));
    }

    [Fact]
    public void A_mistake_is_one_line()
    {
        AppProcess.Run("study", Path.Combine(fixture.Folder, "nothing.yaml")).AssertUserError("nothing.yaml", "no such file");

        string file = Path.Combine(fixture.Folder, "typo.yaml");
        File.WriteAllText(file, fixture.Yaml.Replace("arms:", "armes:", StringComparison.Ordinal));
        AppProcess.Run("study", file).AssertUserError("typo.yaml, line 8", "did you mean arms?");
    }

    [Bf16KernelsFact]
    public void Where_Aten_was_found_faster_on_a_processor_with_Amx_it_computes_all_runs_and_their_costs()
    {
        string file = Path.Combine(fixture.Folder, "amx.yaml");
        File.WriteAllText(file, fixture.Yaml.Replace("seeds: [1, 2]", "seeds: [1]", StringComparison.Ordinal) + "\n  precision: bf16\n");
        StudyFolder study = fixture.NewFolder("amx");
        Directory.CreateDirectory(study.Path);
        JsonLines.Append(study.Bf16Choice, [new Bf16Choice(Kernels: 50, Aten: 100)]);

        AppResult result = AppProcess.RunWith("OTOMASK_PROCESSOR", "amx", "study", file, "--out", study.Path);
        Assert.True(result.ExitCode == 0, result.Error);
        const string Told = "by ATen, 2.0 x as fast as by the kernels (100 against 50 clips/s)";
        Assert.Contains(Told, result.Output);
        Assert.Contains(Told, File.ReadAllText(study.Report));
        string[] configs = Directory.GetFiles(study.Path, "config.yaml", SearchOption.AllDirectories);
        Assert.Equal(2, configs.Length);
        Assert.All(configs, config => Assert.Contains("\nbf16-by: aten\n", File.ReadAllText(config)));
    }

    [Fact]
    public void A_second_process_is_refused_and_so_is_another_study_in_the_folder()
    {
        string file = Path.Combine(fixture.Folder, "two.yaml"), study = Path.Combine(fixture.Folder, "two");
        File.WriteAllText(file, fixture.Yaml.Replace("seeds: [1, 2]", "seeds: [1]", StringComparison.Ordinal));
        using AppProcess first = AppProcess.Start("study", file, "--out", study);
        SpinWait.SpinUntil(() => first.HasExited || File.Exists(Path.Combine(study, "study.yaml")));
        AppProcess.Run("study", file, "--out", study).AssertUserError(study, "another process is at work");
        AppResult whole = first.Wait();
        Assert.True(whole.ExitCode == 0, whole.Error);

        string other = Path.Combine(fixture.Folder, "other.yaml"), before = File.ReadAllText(Path.Combine(study, "study.yaml"));
        File.WriteAllText(other, File.ReadAllText(file).Replace("steps: 12", "steps: 13", StringComparison.Ordinal));
        AppProcess.Run("study", other, "--out", study).AssertUserError(study, "another configuration");
        Assert.Equal(before, File.ReadAllText(Path.Combine(study, "study.yaml"))); // so that the page still tells what the rows are of
    }

    /// <summary>The page is there, with masks of every arm, and can be made anew without training or data.</summary>
    private static void AssertReport(string file, string folder)
    {
        string report = Path.Combine(folder, "report.html"), masks = File.ReadAllText(Path.Combine(folder, "masks.json"));
        Assert.Contains("\"sgim\"", masks);
        string page = File.ReadAllText(report);
        File.Delete(report);
        AppResult again = AppProcess.Run("study", file, "--out", folder, "--report-only");
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("m2d: ", again.Output);
        Assert.Equal(page, File.ReadAllText(report));
    }

    public void Dispose() => fixture.Dispose();
}

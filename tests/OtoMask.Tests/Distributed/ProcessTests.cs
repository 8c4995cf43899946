using System.Text;
using OtoMask.Runs;
using OtoMask.Tests.App;

namespace OtoMask.Tests.Distributed;

/// <summary>The program as several processes, by whoever starts them.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly AppFolder folder = new();
    private readonly string audio;

    public ProcessTests() => audio = folder.Audio();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void It_starts_the_others_itself_and_none_outlives_it()
    {
        AppResult result = AppProcess.Run([.. Command("run"), "--processes", "3"]);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains("done: ", result.Output);
        Assert.Single(result.Output.Split('\n'), line => line.StartsWith("done: ", StringComparison.Ordinal));
        Assert.All(RunLog.Read(Run("run").Log).Steps, step => Assert.Equal(3, step.Processes));
        Assert.True(File.Exists(Run("run").Report));
        Assert.Empty(ProcessesOf("run"));
    }

    [ProgramFact("torchrun", "python3-torch")]
    public void Torchrun_starts_them()
    {
        // The first torchrun on this Python takes "0", its own default, for no word at all; to redirect what no process has is to redirect nothing.
        string[] arguments = ["--standalone", "--redirects", "9:1", "--tee", "9:1", "--nproc_per_node", "2", "--no_python"];
        AppResult result = AppProcess.RunProgram("torchrun", [.. arguments, "dotnet", AppProcess.App, .. Command("run")], start => start.Environment.Remove("OMP_NUM_THREADS"));
        if (result.Error.Contains("without libuv support", StringComparison.Ordinal))
            return; // Debian's later ones: their torchrun starts nothing whatever
        Assert.True(result.ExitCode == 0, result.Error);
        AssertSharedByTwo();
        if (Environment.ProcessorCount >= 4)
            Assert.Contains("torchrun gives every process one thread", result.Error);
    }

    [ProgramFact("mpirun", "openmpi-bin")]
    public void Open_Mpi_starts_them()
    {
        AppResult result = AppProcess.RunProgram(
            "mpirun", ["--allow-run-as-root", "--oversubscribe", "-np", "2", "dotnet", AppProcess.App, .. Command("run")], start => start.Environment["MASTER_PORT"] = $"{Ranks.FreePort()}");
        Assert.True(result.ExitCode == 0, result.Error);
        AssertSharedByTwo();
    }

    [Fact]
    public void Slurm_starts_them()
    {
        AppProcess[] ranks = BySlurm(AppProcess.App, AppProcess.App);
        Assert.All(ranks, rank => Assert.True(rank.Wait() is { ExitCode: 0 } end, rank.Wait().Error));
        AssertSharedByTwo();
    }

    [Fact]
    public void Two_versions_of_the_program_do_not_train_together()
    {
        foreach (AppResult end in BySlurm(AppProcess.App, OtherVersion()).Select(rank => rank.Wait()))
        {
            Assert.Equal(2, end.ExitCode);
            Assert.Matches("^otomask: .*rank 1 has another version of otomask than rank 0 \\(.*\\); start all with the same\n$", end.Error);
        }
        Assert.False(Directory.Exists(folder.Inside("run")));
    }

    [Theory]
    [InlineData("TERM", 143, 0)]
    [InlineData("INT", 130, 0)]
    [InlineData("TERM", 143, 1)]
    public void A_signal_to_one_of_them_stops_all_after_the_same_step_with_a_checkpoint(string signal, int code, int rank)
    {
        string[] command = [.. Command("run", epochs: 100_000), "--processes", "2"];
        using AppProcess app = AppProcess.Start(command);
        GroupProcesses.WaitForCheckpoint(Run("run"), steps: 3, app);
        AppProcess.Signal(signal, ProcessesOf("run")[rank]);
        AppResult result = app.Wait();
        Assert.True(result.ExitCode == code, $"{result.ExitCode}: {result.Error}{result.Output}");
        Assert.Contains("stopped after step", result.Output);
        Assert.Empty(ProcessesOf("run"));
        Assert.EndsWith($"step-{RunLog.Read(Run("run").Log).Steps[^1].Step:D9}.safetensors", Run("run").LatestCheckpoint);
    }

    [Fact]
    public void What_the_user_can_mend_is_told_before_others_are_started()
    {
        AppProcess.Run([.. Command("run"), "--processes", "0"]).AssertUserError("--processes 0", "from 1");
        AppProcess.Run([.. Command("run"), "--processes", "2", "--backend", "carrier-pigeon"]).AssertUserError("backend carrier-pigeon", "gloo");
        AppProcess.Run([.. Command("run"), "--processes", "2", "--mask", "rondom"]).AssertUserError("rondom");
        AppProcess.Run([.. Command("run"), "--processes", "2", "--timeout", "0"]).AssertUserError("--timeout");
        Assert.False(Directory.Exists(folder.Inside("run")));
    }

    [Fact]
    public void What_they_find_together_is_told_once()
    {
        string[] nowhere = ["pretrain", "--data", folder.Inside("nowhere"), "--out", folder.Inside("run"), .. AppFolder.TinyRun, "--processes", "2"];
        AssertToldOnce(AppProcess.Run(nowhere), "there is no folder");
        Assert.Equal(0, AppProcess.Run([.. Command("run"), "--processes", "2"]).ExitCode);
        AssertToldOnce(AppProcess.Run([.. Command("run"), "--processes", "2", "--seed", "9"]), "holds a run that was begun otherwise: seed");

        static void AssertToldOnce(AppResult result, string part)
        {
            Assert.Equal(2, result.ExitCode);
            Assert.Contains(part, Assert.Single(result.Error.TrimEnd('\n').Split('\n')));
            Assert.DoesNotContain("--force", result.Error);
        }
    }

    /// <summary>Starts a program for each rank, as SLURM does.</summary>
    private AppProcess[] BySlurm(params string[] programs)
    {
        string port = $"{Ranks.FreePort()}";
        return [.. programs.Index().Select(rank => AppProcess.StartProgram("dotnet", [rank.Item, .. Command("run")], start =>
        {
            foreach ((string name, string value) in (IEnumerable<(string, string)>)[("SLURM_PROCID", $"{rank.Index}"), ("SLURM_NTASKS", $"{programs.Length}"), ("SLURM_LOCALID", $"{rank.Index}"), ("SLURM_NODELIST", "localhost"), ("MASTER_PORT", port)])
                start.Environment[name] = value;
        }))];
    }

    /// <summary>The program as somebody else has built it: with another last letter of its version, and the same in all else.</summary>
    private string OtherVersion()
    {
        string there = Directory.CreateDirectory(folder.Inside("other-version")).FullName;
        foreach (string file in Directory.GetFiles(AppContext.BaseDirectory))
        {
            if (Path.GetFileName(file).StartsWith("OtoMask", StringComparison.Ordinal))
                File.Copy(file, Path.Combine(there, Path.GetFileName(file)));
            else
                File.CreateSymbolicLink(Path.Combine(there, Path.GetFileName(file)), file);
        }
        string library = Path.Combine(there, "OtoMask.dll");
        byte[] bytes = File.ReadAllBytes(library), version = Encoding.UTF8.GetBytes(ProgramVersion.Current);
        int at = bytes.AsSpan().IndexOf(version);
        Assert.True(at > 0, "no version in OtoMask.dll");
        bytes[at + version.Length - 1] ^= 1;
        File.WriteAllBytes(library, bytes);
        return Path.Combine(there, "OtoMask.App.dll");
    }

    private string[] Command(string run, int epochs = 2) => ["pretrain", "--data", audio, "--out", folder.Inside(run), .. AppFolder.TinyRunOf(epochs)];

    private RunFolder Run(string name) => new(folder.Inside(name));

    private void AssertSharedByTwo()
    {
        RunFolder alone = Run("alone");
        AppResult result = AppProcess.Run(Command("alone"));
        Assert.True(result.ExitCode == 0, result.Error);
        IReadOnlyList<StepRecord> expected = RunLog.Read(alone.Log).Steps, steps = RunLog.Read(Run("run").Log).Steps;
        Assert.All(expected.Zip(steps), pair => Assert.Equal(pair.First.Loss, pair.Second.Loss, 1e-5));
        Assert.All(steps, step => Assert.Equal(2, step.Processes));
    }

    private int[] ProcessesOf(string run) => GroupProcesses.Of(folder.Inside(run));
}

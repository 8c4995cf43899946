using OtoMask.Configuration;
using OtoMask.FineTuning;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Studies;
using OtoMask.Tests.App;
using OtoMask.Tests.FineTuning;
using OtoMask.Tests.Pretraining;
using OtoMask.Tests.Studies;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests.Models;

/// <summary>Who computes bfloat16 on a processor with AMX, on one that is pretended: chosen once, written down, and never asked again. Elsewhere nothing is measured.</summary>
[Collection(NoTensorLeaksAttribute.Collection)]
[NoTensorLeaks]
public sealed class Bf16ChoiceTests
{
    private const string Line = "bf16 on a processor with AMX: by ";
    private static readonly Bf16Choice ForAten = new(Kernels: 1, Aten: 2), ForKernels = new(Kernels: 2, Aten: 1);

    [Theory]
    [InlineData(0.02, 0.01, Bf16By.Aten, "by ATen, 2.0 x as fast as by the kernels (100 against 50 clips/s)")]
    [InlineData(0.2, 0.3, Bf16By.Kernels, "by the kernels, 1.5 x as fast as by ATen (5.0 against 3.3 clips/s)")]
    public void The_faster_one_is_chosen_and_told(double kernels, double aten, Bf16By expected, string told)
    {
        var choice = Bf16Choice.Measure(batch: 4, fits: _ => true, (by, clips) => clips * (by == Bf16By.Kernels ? kernels : aten));
        Assert.Equal((expected, told), (choice.Faster, choice.Told));
    }

    [Fact]
    public void What_does_not_fit_in_memory_is_not_tried()
    {
        var choice = Bf16Choice.Measure(batch: 8, fits: clips => clips < 8, (by, _) => by == Bf16By.Kernels ? 1 : throw new InvalidOperationException("tried"));
        Assert.Equal((Bf16By.Kernels, "by the kernels, for by ATen a step does not fit in memory"), (choice.Faster, choice.Told));
        long MemoryBy(Bf16By by) => (new PretrainingConfig { Data = "x", Precision = Precision.Bf16 } with { Bf16By = by }).MemoryOf(64);
        Assert.True(MemoryBy(Bf16By.Aten) > MemoryBy(Bf16By.Kernels) || TorchRuntime.BestKernels < KernelSet.Avx512Bf16);
    }

    [Bf16KernelsFact]
    public void Only_where_two_can_and_none_is_named_is_anything_measured()
    {
        int measured = 0;
        Bf16Choice Measure() => ++measured > 0 ? ForAten : ForKernels;
        Bf16By? For(Bf16By? named, Precision precision, string device = "cpu") => Bf16Choice.For(named, precision, new Device(device), Measure, _ => { });
        if (!TorchRuntime.HasAmx)
            Assert.Null(For(null, Precision.Bf16));
        using var amx = new PretendedAmx();
        Assert.Equal([null, null, null, Bf16By.Kernels, Bf16By.Aten], new[]
        {
            For(null, Precision.Fp32), For(null, Precision.Tf32, "cuda:0"), For(null, Precision.Bf16, "cuda:0"), For(Bf16By.Kernels, Precision.Bf16), For(Bf16By.Aten, Precision.Auto),
        });
        TorchRuntime.Kernels = KernelSet.Avx2; // which leaves bfloat16 to ATen
        Assert.Null(For(null, Precision.Bf16));
        TorchRuntime.Kernels = TorchRuntime.BestKernels;
        Assert.Equal(0, measured);

        Assert.Equal((Bf16By.Aten, Bf16By.Aten), (For(null, Precision.Bf16), For(null, Precision.Auto)));
        Assert.Equal(2, measured);
    }

    [Bf16KernelsFact]
    public void A_run_says_who_was_chosen_and_resumes_without_measuring()
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Precision = Precision.Bf16 };
        RecordingObserver first = new(), second = new();
        RunFolder run;
        using (new PretendedAmx())
        {
            run = data.Train("chosen", config, stopAt: 2, first);
            Assert.StartsWith(Line, Assert.Single(first.Notes));
            TrainingFolder.Resume(run, second);
        }
        Assert.Empty(second.Notes);
        PretrainingConfig resolved = Checkpoint.Read(run.Path).State.ParsedConfig;
        Assert.Equal(first.Notes[0].StartsWith(Line + "ATen", StringComparison.Ordinal) ? Bf16By.Aten : Bf16By.Kernels, resolved.Bf16By);
        AssertSame(data.Train("named", config with { Bf16By = resolved.Bf16By }), run);
        if (resolved.Bf16By == Bf16By.Kernels && !TorchRuntime.HasAmx)
            AssertSame(data.Train("elsewhere", config), run); // a processor without AMX: nothing changes
    }

    [Bf16KernelsFact]
    public void By_Aten_a_run_computes_what_it_would_without_kernels_for_bfloat16()
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Precision = Precision.Bf16, Mask = "sgim", Framework = KnownFrameworks.MsmMae }; // features, too
        RunFolder aten = data.Train("aten", config with { Bf16By = Bf16By.Aten }), kernels = data.Train("kernels", config with { Bf16By = Bf16By.Kernels });
        Assert.Equal(KernelSet.Avx512Bf16, TorchRuntime.Kernels);
        Assert.NotEqual(Weights(kernels), Weights(aten));
        AssertSame(aten, data.Train("computed again", config with { Bf16By = Bf16By.Aten, CheckpointActivations = true }));
        TorchRuntime.Kernels = KernelSet.Avx512;
        try
        {
            AssertSame(aten, data.Train("without", config));
        }
        finally
        {
            TorchRuntime.Kernels = TorchRuntime.BestKernels;
        }
        AssertSame(kernels, data.Train("kernels again", config with { Bf16By = Bf16By.Kernels }));
    }

    [Bf16KernelsFact]
    public void A_run_that_began_in_bfloat16_without_a_choice_stays_with_the_kernels()
    {
        using var data = new TrainingFolder();
        PretrainingConfig config = data.Config with { Precision = Precision.Bf16 };
        RunFolder whole = data.Train("whole", config), moved = data.Train("moved", config, stopAt: 2);
        var observer = new RecordingObserver();
        using (new PretendedAmx())
            TrainingFolder.Resume(moved, observer);
        Assert.Empty(observer.Notes);
        AssertSame(whole, moved);
    }

    [Bf16KernelsFact]
    public void Precision_auto_compares_fp32_with_the_faster_bf16()
    {
        using var data = new TrainingFolder();
        using var amx = new PretendedAmx();
        var observer = new RecordingObserver();
        RunFolder run = data.Train("auto", data.Config with { Precision = Precision.Auto }, stopAt: 1, observer);
        Assert.StartsWith(Line, Assert.Single(observer.Notes));
        Assert.Single(observer.Choices);
        PretrainingConfig resolved = Checkpoint.Read(run.Path).State.ParsedConfig;
        Assert.Equal(resolved.Precision == Precision.Bf16, resolved.Bf16By is not null);
    }

    [Bf16KernelsFact]
    public void A_fine_tuning_chooses_once_too()
    {
        using var data = new FineTuningFolder();
        FineTuningConfig config = data.Config with { Precision = Precision.Bf16 };
        RunFolder straight, stopped = data.NewRun("stopped");
        using (new PretendedAmx())
        {
            var observer = new RecordingObserver();
            using (FineTuningSetup setup = FineTuningSetup.Begin(config, SavedModel.Open(config.Checkpoint), observer))
            using (var tuner = new FineTuner(stopped, setup, observer))
                tuner.Run(stopAt: 2);
            Assert.StartsWith(Line, Assert.Single(observer.Notes));
            Bf16By? chosen = FineTunedCheckpoint.ReadToResume(stopped.Path).State.ParsedConfig.Bf16By;
            Assert.NotNull(chosen);
            (straight, _) = data.Train("straight", config with { Bf16By = chosen });
            FineTuningFolder.Resume(stopped); // its observer refuses a change
        }
        FineTuningFolder.AssertSameRun(straight, stopped);
        (RunFolder aten, _) = data.Train("aten", config with { Bf16By = Bf16By.Aten });
        (RunFolder kernels, _) = data.Train("kernels", config with { Bf16By = Bf16By.Kernels });
        Assert.NotEqual(Weights(kernels), Weights(aten));
    }

    [Bf16KernelsFact]
    public void All_runs_of_a_study_go_by_one_choice_which_stays_with_it()
    {
        using var fixture = new StudyFixture();
        using var amx = new PretendedAmx();
        StudyObserver Run(StudyFolder folder, string seeds = "1")
        {
            var observer = new StudyObserver();
            StudyConfig Change(StudyConfig config) => config with
            {
                Seeds = [.. seeds.Split(' ').Select(ulong.Parse)],
                Pretraining = [.. config.Pretraining, new Setting("precision", "bf16")],
            };
            new StudyRunner(fixture.Plan(Change), folder, new DecreedCosts(), observer).Run(CancellationToken.None);
            return observer;
        }
        Bf16By?[] Chosen(StudyFolder folder) =>
            [.. Directory.GetFiles(folder.Path, "config.yaml", SearchOption.AllDirectories).Select(file => ConfigFile.Read(file).Bf16By).Distinct()];

        StudyFolder measured = fixture.NewFolder("measured");
        Assert.StartsWith(Line, Assert.Single(Run(measured).Notes)); // the untrained network and the arms measure nothing of their own
        Bf16Choice choice = Assert.Single(JsonLines.Read<Bf16Choice>(measured.Bf16Choice));
        Assert.Equal([choice.Faster], Chosen(measured));

        // What another sitting has found holds, also where this one would find something else.
        StudyFolder known = fixture.NewFolder("known");
        Directory.CreateDirectory(known.Path);
        JsonLines.Append(known.Bf16Choice, [ForAten]);
        Run(known);
        Assert.Equal([Bf16By.Aten], Chosen(known));
        Assert.Equal(2, Run(known, "1 2").Begun.Count(cell => !cell.Contains("untrained"))); // of seed 2 alone: the rows of seed 1 count
        Assert.Equal([Bf16By.Aten], Chosen(known));
        Assert.Equal(ForAten, Assert.Single(JsonLines.Read<Bf16Choice>(known.Bf16Choice)));
    }

    /// <summary>The real program: what the doctor says, and who has the last word.</summary>
    [Bf16KernelsFact]
    public void The_program_tells_what_is_chosen_and_how_to_choose_otherwise()
    {
        Assert.Matches(@"\nAMX +there: .*\nbf16 +by (ATen|the kernels), \d.* clips/s\), training m2d tiny with batch 16\n +a run in bf16 .*--bf16-by kernels or aten", Run("amx", "", "doctor"));
        Assert.Matches(@"\nbf16 +by the kernels, for OTOMASK_KERNELS asks for them; unset it", Run("amx", "avx512", "doctor"));
        Assert.Matches(@"\nbf16 +by ATen, for the kernels avx2 have none", Run("amx", "avx2", "doctor"));
        string[] bench = ["bench", "train", "--json", "--steps", "1", "--encoder", "48/2/3", "--decoder", "32/2/4", "--input", "80x96", "--batch", "2", "--precision", "bf16"];
        Assert.Matches("\"bf16_by\": \"(aten|kernels)\",\n *\"bf16_choice\": \"" + Line, Run("amx", "", bench));
        Assert.Matches("\"bf16_by\": null,\n *\"bf16_choice\": null", Run("amx", "avx512", bench));
        Assert.Matches("\"bf16_by\": \"aten\",\n *\"bf16_choice\": null", Run("amx", "", [.. bench, "--bf16-by", "aten"]));
        AppProcess.RunWith("OTOMASK_PROCESSOR", "sse", bench).AssertUserError("OTOMASK_PROCESSOR is amx", "sse");
        if (!TorchRuntime.HasAmx)
            Assert.DoesNotContain("AMX", Run("", "", "doctor"));
    }

    [Theory]
    [InlineData("bench train --precision fp32 --bf16-by aten", "precision fp32 has none")]
    [InlineData("bench train --precision bf16 --bf16-by onednn", "choose kernels or aten")]
    [InlineData("pretrain --data x --out y --precision bf16 --device cuda:0 --bf16-by aten", "device cuda:0 computes them in its own way")]
    [InlineData("finetune x --task y --out z --bf16-by kernels", "precision fp32 has none")]
    public void A_choice_that_changes_nothing_is_refused(string line, string expected) => AppProcess.Run(line.Split(' ')).AssertUserError("--bf16-by", expected);

    private static string Run(string processor, string kernels, params string[] arguments)
    {
        AppResult result = AppProcess.RunProgram("dotnet", [AppProcess.App, .. arguments], start =>
        {
            start.Environment["OTOMASK_PROCESSOR"] = processor;
            start.Environment["OTOMASK_KERNELS"] = kernels;
        });
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return result.Output;
    }

    private static byte[] Weights(RunFolder run) => [.. SafetensorsFile.Read(run.LatestCheckpoint).Tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal).SelectMany(tensor => tensor.Value.Data)];

    private static void AssertSame(RunFolder expected, RunFolder actual) => Assert.Equal(Weights(expected), Weights(actual));
}

using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using OtoMask.App.Bench;
using OtoMask.Configuration;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.App.Commands;

/// <summary><c>otomask doctor</c>: what this machine offers, what is in force, and what to do about what is wrong.</summary>
internal static class DoctorCommand
{
    private const int MostDevices = 16;
    private static readonly string[] KindsOfDevices = ["cuda", "privateuseone"];
    private const string CacheFolder = ".";
    private static readonly PretrainingConfig SampleModel = new() { Batch = 16 };
    private const double LowDiskGigabytes = 5, GemmSeconds = 0.5;

    public static Command Create()
    {
        var folder = new Option<string>("--cache")
        {
            Description = "Folder that caches and runs will go to; its free space is shown",
            HelpName = "FOLDER",
            DefaultValueFactory = _ => CacheFolder,
        };
        var command = new Command("doctor", "Show what this machine offers (libtorch, BLAS, threads, audio libraries, speed) and warn of what slows it down")
        {
            folder,
        };
        command.SetAction((line, cancel) => Task.FromResult(Run(line.GetRequiredValue(folder), cancel)));
        return command;
    }

    private static int Run(string folder, CancellationToken cancel)
    {
        if (!Directory.Exists(folder))
            throw new UserErrorException($"no folder {folder}; create it or name another with --cache");
        var report = new Report();
        Machine(report, folder);
        Libtorch(report);
        Audio(report);
        Bf16(report, cancel);
        Speed(report, cancel);
        report.Close();
        return 0;
    }

    private static void Machine(Report report, string folder)
    {
        report.Line("cores", $"{Environment.ProcessorCount} given to this process");
        report.Line("memory", $"{Gigabytes(ProcessStatus.MachineMemory)}, {Gigabytes(HostMemory.Available ?? 0)} available");
        long free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        report.Line("disk", $"{Gigabytes(free)} free in {Path.GetFullPath(folder)}");
        report.Line("limits", $"{Limit(Limits.Files)} open files, {Limit(Limits.Threads)} threads, {(Limits.Addresses is { } bytes ? Gigabytes(bytes) : "no limit")} of address space");
        if (free < LowDiskGigabytes * 1e9)
            report.Warn($"less than {LowDiskGigabytes} GB are free; `otomask prepare` writes about 0.12 GB for each hour of audio");
    }

    private static void Libtorch(Report report)
    {
        string description = TorchRuntime.Describe();
        report.Line("libtorch", description.Split('\n')[0].Replace("libtorch ", ""));
        report.Line("threads", $"{TorchRuntime.Threads} for one operator");
        (KernelSet inUse, KernelSet best) = (TorchRuntime.Kernels, TorchRuntime.BestKernels);
        string bf16 = inUse == KernelSet.Avx512Bf16 && !TorchRuntime.MultipliesPairs ? "; bfloat16 as float32, which this processor multiplies faster" : "";
        report.Line("kernels", inUse == best ? best.Name() + bf16 : $"{inUse.Name()} (OTOMASK_KERNELS), while this processor runs {best.Name()}");

        string policy = Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "PASSIVE";
        report.Line("waiting threads", policy.ToUpperInvariant() == "PASSIVE" ? "sleep (OMP_WAIT_POLICY=PASSIVE)" : $"spin (OMP_WAIT_POLICY={policy})");
        if (policy.ToUpperInvariant() != "PASSIVE")
            report.Warn("spinning threads starve the data loaders; unset OMP_WAIT_POLICY");

        Blas(report);
        string[] devices = [.. KindsOfDevices.SelectMany(kind => Enumerable.Range(0, MostDevices).Select(index => $"{kind}:{index}").TakeWhile(name => TorchRuntime.Has(new Device(name))))];
        bool lacksGpu = devices.Length == 0 && ProcessStatus.LoadedLibraries("libtorch_cuda").Count > 0;
        report.Line("devices", string.Join(", ", ["cpu", .. devices]) + (lacksGpu ? "; this libtorch knows CUDA and finds no GPU" : ""));
        report.Line("processes", ProcessGroup.Backends is { Count: > 0 } backends ? $"can train together by {string.Join(", ", backends)}" : "cannot train together, for this build has no gloo");
    }

    private static void Blas(Report report)
    {
        using (var scope = new TensorScope()) // a product, so that a BLAS that loads late is there
            _ = Tensor.From(new float[1], 1, 1).MatMul(Tensor.From(new float[1], 1, 1));
        string[] loaded = [.. ProcessStatus.LoadedLibraries("blas").Concat(ProcessStatus.LoadedLibraries("libmkl")).Where(path => !path.Contains("libcublas"))]; // that one is a GPU's
        report.Line("BLAS", loaded.Length > 0 ? string.Join(", ", loaded) : "inside libtorch");
        if (loaded.Any(path => path.Contains("openblas-pthread")))
            report.Warn("OpenBLAS brings threads of its own that fight libtorch's, ten times slower; "
                + "install libopenblas0-openmp and start by ./otomask, which chooses it");
        else if (loaded.Length == 1 && loaded[0].Contains("/blas/"))
            report.Warn("this is the reference BLAS, many times slower than OpenBLAS; install libopenblas0-openmp");
    }

    private static void Audio(Report report)
    {
        report.Need("libsndfile", LibraryVersion("libsndfile.so.1", "sf_version_string"), "no audio file can be read; install libsndfile1");
        report.Need("libmpg123", NativeLibrary.TryLoad("libmpg123.so.0", out _) ? "there" : null, "no mp3 can be read; install libmpg123-0");
        report.Need("libsoxr", LibraryVersion("libsoxr.so.0", "soxr_version"), "audio cannot be resampled; install libsoxr0");
        report.Need("ffmpeg", ProgramVersion("ffmpeg", "-version"), "m4a, aac and video files cannot be read; install ffmpeg");
        report.Need("fluidsynth", ProgramVersion("fluidsynth", "--version"), "`otomask demo` cannot make its music; install fluidsynth");
    }

    /// <summary>What a processor with AMX leaves to choose; elsewhere nothing is.</summary>
    private static void Bf16(Report report, CancellationToken cancel)
    {
        if (!TorchRuntime.HasAmx)
            return;
        report.Line("AMX", "there: ATen multiplies bfloat16 by it, the kernels do not");
        if (TorchRuntime.HasTwoWaysOfBf16)
        {
            report.Line("bf16", $"{MeasureBf16(cancel).Told}, training {SampleModel.Framework} {SampleModel.Size} with batch {SampleModel.Batch}");
            report.Line("", "a run in bf16 times both for its own model and takes the faster; --bf16-by kernels or aten decides instead");
        }
        else
            report.Line("bf16", TorchRuntime.Kernels == KernelSet.Avx512Bf16
                ? "by the kernels, for OTOMASK_KERNELS asks for them; unset it to have the faster way taken, or say --bf16-by aten"
                : $"by ATen, for the kernels {TorchRuntime.Kernels.Name()} have none");
    }

    private static Bf16Choice MeasureBf16(CancellationToken cancel)
    {
        using MaskedModel model = SampleModel.Framework.CreateModel(SampleModel.ModelShape, SampleModel.Seed, Device.Cpu);
        return SampleModel.TimeBf16(model, cancel);
    }

    private static void Speed(Report report, CancellationToken cancel)
    {
        double single = GemmSpeed.Measure(DType.Float32, Device.Cpu, GemmSeconds, cancel);
        double brain = GemmSpeed.Measure(DType.BFloat16, Device.Cpu, GemmSeconds, cancel);
        report.Line("GEMM fp32", $"{single:F0} GFLOP/s");
        report.Line("GEMM bf16", $"{brain:F0} GFLOP/s");
        if (brain < single)
            report.Warn("bfloat16 is slower than float32 here (no AMX or AVX512-BF16); train with --precision fp32");
    }

    private static string? LibraryVersion(string library, string function)
    {
        if (!NativeLibrary.TryLoad(library, out nint handle) || !NativeLibrary.TryGetExport(handle, function, out nint entry))
            return null;
        nint text = Marshal.GetDelegateForFunctionPointer<VersionText>(entry)();
        return Marshal.PtrToStringUTF8(text);
    }

    private static string? ProgramVersion(string program, string option)
    {
        try
        {
            var start = new ProcessStartInfo(program, option) { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            string[] lines = process.StandardOutput.ReadToEnd().Split('\n');
            process.WaitForExit();
            return (lines.FirstOrDefault(line => line.Contains("version", StringComparison.OrdinalIgnoreCase)) ?? lines[0]).Split(" Copyright")[0].Trim();
        }
        catch (Win32Exception) // no such program
        {
            return null;
        }
    }

    private static string Limit(long? most) => most is { } number ? $"{number}" : "no limit of";

    private static string Gigabytes(long bytes) => $"{bytes / 1e9:F1} GB";

    private delegate nint VersionText();

    /// <summary>Two columns, and under them the warnings.</summary>
    private sealed class Report
    {
        private readonly List<string> warnings = [];

        public void Line(string name, string value) => Terminal.Tell($"{name,-16} {value}");

        public void Warn(string text) => warnings.Add(text);

        public void Need(string name, string? version, string remedy)
        {
            Line(name, version ?? "not found");
            if (version is null)
                Warn(remedy);
        }

        public void Close()
        {
            Terminal.Tell("");
            foreach (string warning in warnings)
                Terminal.Tell($"warning: {warning}");
            if (warnings.Count == 0)
                Terminal.Tell("nothing to complain about");
        }
    }
}

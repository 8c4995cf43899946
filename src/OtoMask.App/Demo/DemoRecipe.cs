using OtoMask.Configuration;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.App.Demo;

/// <summary>What the demo does, and how long each part took when the recipe was made (2 cores; docs/demo-recipe.md).</summary>
internal sealed record DemoRecipe
{
    /// <summary>The tasks: a speech, a music and an events one.</summary>
    public static IReadOnlyList<string> Tasks { get; } = ["tones", "programs", "drums-small"];

    /// <summary>The masking strategies to compare; the same encoder is pre-trained once with each.</summary>
    public static IReadOnlyList<string> Masks { get; } = ["random", "dwm"];

    /// <summary>Everything about the pre-training but data and mask.</summary>
    public required PretrainingConfig Pretraining { get; init; }

    /// <summary>Seeds of the probe: which part of the training clips chooses its regularisation.</summary>
    public required IReadOnlyList<ulong> ProbeSeeds { get; init; }

    /// <summary>Seconds to fetch and assemble the tasks.</summary>
    public required double AssemblySeconds { get; init; }

    /// <summary>Seconds to pre-train once.</summary>
    public required double PretrainingSeconds { get; init; }

    /// <summary>Seconds to embed and probe all tasks with one encoder.</summary>
    public required double ProbeSeconds { get; init; }

    /// <summary>Seconds to probe the log-mel statistics.</summary>
    public double StatisticsSeconds => 4;

    /// <summary>Seconds of everything: assembly, the pre-trainings, the probes of encoders (the untrained one too) and statistics.</summary>
    public double TotalSeconds => AssemblySeconds + Masks.Count * PretrainingSeconds + (Masks.Count + 1) * ProbeSeconds + StatisticsSeconds;

    /// <summary>The recipe of <c>configs/demo.yaml</c>, which the program carries inside; in float32 where bfloat16 is slow, half as long without AVX-512.</summary>
    public static DemoRecipe Full => new()
    {
        Pretraining = Embedded(),
        ProbeSeeds = [42, 43, 44],
        AssemblySeconds = 45,
        PretrainingSeconds = 75,
        ProbeSeconds = 19,
    };

    /// <summary>The same in a minute or two: coarser patches and too few steps to learn much.</summary>
    public static DemoRecipe Quick => Full with
    {
        Pretraining = Embedded() with { Patch = "16x16", Steps = 30, EvaluateEvery = 1 },
        ProbeSeeds = [42],
        PretrainingSeconds = 4,
        ProbeSeconds = 8,
    };

    /// <summary>The same where the packages were fetched before.</summary>
    public DemoRecipe WithAudioAtHand => this with { AssemblySeconds = 3 };

    /// <summary>The same on a device: on another one than the processor in bfloat16, where libtorch has that there.</summary>
    public DemoRecipe On(Device device) => device.IsCpu ? this : this with
    {
        Pretraining = Pretraining with { Device = device.Name, Precision = TorchRuntime.HasAutocast(device) ? Precision.Bf16 : Precision.Fp32 },
    };

    private static PretrainingConfig Embedded()
    {
        using Stream stream = typeof(DemoRecipe).Assembly.GetManifestResourceStream("demo.yaml")
            ?? throw new InvalidOperationException("the program was built without configs/demo.yaml");
        using var reader = new StreamReader(stream);
        PretrainingConfig config = ConfigFile.Parse(reader.ReadToEnd(), "configs/demo.yaml");
        return TorchRuntime.Kernels switch
        {
            KernelSet.Avx512Bf16 => config,
            KernelSet.Avx512 => config with { Precision = Precision.Fp32 },
            _ => config with { Precision = Precision.Fp32, Steps = config.Steps / 2 }, // 0.24 s a step and more: keep to the minutes promised
        };
    }
}

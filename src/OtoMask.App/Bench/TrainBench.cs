using System.Diagnostics;
using System.Text.Json.Nodes;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Distributed;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Pretraining;
using OtoMask.Torch;

namespace OtoMask.App.Bench;

/// <summary>Median cost of a training step.</summary>
/// <param name="Config">What was trained, its precision resolved.</param>
/// <param name="Steps">Steps measured.</param>
/// <param name="Step">Milliseconds of a whole step, from asking for its batch to its last update.</param>
/// <param name="Phases">Milliseconds of its phases. Masks that loaders draw cost the step nothing; their time is told all the same.</param>
/// <param name="Gigaflops">Operations of a step in GFLOP, each counted once also where checkpoints compute it twice.</param>
/// <param name="GemmSpeed">GFLOP/s of a plain matrix product, measured just after.</param>
/// <param name="PeakMemory">Largest resident memory of the process until the last step, bytes.</param>
/// <param name="PeakDeviceMemory">Largest memory that the process reserved on the device, bytes; null for the processor, and where libtorch does not tell.</param>
/// <param name="Loss">Loss of the last step.</param>
/// <param name="Choice">What precision <c>auto</c> was found to be; null where it was given.</param>
/// <param name="Bf16">Who was found to be faster in bfloat16; null where nothing was to choose.</param>
/// <param name="Processes">How many shared every batch.</param>
internal sealed record TrainBenchResult(
    PretrainingConfig Config, int Steps, double Step, PhaseMilliseconds Phases, double Gigaflops, double GemmSpeed, long PeakMemory, long? PeakDeviceMemory, double Loss,
    PrecisionChoice? Choice, string? Bf16, int Processes)
{
    /// <summary>Clips trained on per second.</summary>
    public double ClipsPerSecond => Config.Batch * Config.Accumulate / Step * 1000;

    /// <summary>GFLOP/s of the whole step.</summary>
    public double Speed => Gigaflops / Step * 1000;
}

/// <summary>Milliseconds of each phase of a step; the exchange is what is waited for the gradients of other processes.</summary>
internal readonly record struct PhaseMilliseconds(double Data, double Mask, double Forward, double Backward, double Exchange, double Update);

/// <summary>Times the real training step on the real batch pipeline, fed with made-up clips.</summary>
internal static class TrainBench
{
    private const int WarmUp = 2;
    private const double GemmSeconds = 0.5, HintRatio = 0.5, LearningRate = 1e-4, EmaDecay = 0.99995;

    /// <summary>Trains <paramref name="steps"/> steps after two that do not count, alone or with others.</summary>
    public static TrainBenchResult Run(PretrainingConfig config, int steps, TrainingGroup group, CancellationToken cancel)
    {
        config.RequireMemory(group.LocalSize, group.Share(config.Batch).Count);
        Device device = group.DeviceOf(config.Device);
        using MaskedModel model = config.Framework.CreateModel(config.ModelShape, config.Seed, device, config.Gradients.Type());
        config.Settle(model);
        string? bf16 = null;
        (config, PrecisionChoice? choice) = config.ResolveBf16By(model, told => bf16 = told, cancel).ResolvePrecision(model, cancel);
        config = config.AsToldByFirst(group);

        MaskingInfo masking = config.Masking;
        using var clips = new SyntheticClips(config.Geometry, config.Seed);
        using ClipSource source = ClipSource.Open(clips.Folder, new ClipSourceOptions(config.LogMel));
        using var optimizer = config.CreateOptimizer(model);
        IFeatureMaskingStrategy? features = masking.CreateFeatureStrategy();
        using var training = new TrainingStep(model, optimizer, config.Precision, config.ClipNorm, features, group) { Bf16By = config.Bf16By, WaitsForDevice = true };
        using BatchReader<MaskedBatch> reader = Pipeline(config, source, group).Read(cancellation: cancel);

        var measured = new List<(double Step, PhaseMilliseconds Phases)>();
        double loss = 0;
        for (int number = 0; number < WarmUp + steps; number++)
        {
            cancel.ThrowIfCancellationRequested();
            (double step, PhaseMilliseconds phases, loss) = TakeStep(reader, training, config.Accumulate);
            if (number >= WarmUp)
                measured.Add((step, phases));
        }
        long peakMemory = ProcessStatus.PeakMemory; // of the steps: the BLAS that is measured next has buffers of its own
        long? peakDeviceMemory = TorchRuntime.PeakMemoryOf(device);
        double gemm = GemmSpeed.Measure(config.Precision.Type(), device, GemmSeconds, cancel);
        double Median(Func<PhaseMilliseconds, double> phase) => Summary.Median(measured.Select(step => phase(step.Phases)));
        return new TrainBenchResult(
            config, steps, Summary.Median(measured.Select(step => step.Step)),
            new(Median(p => p.Data), Median(p => p.Mask), Median(p => p.Forward), Median(p => p.Backward), Median(p => p.Exchange), Median(p => p.Update)),
            config.Accumulate * StepCost.Gigaflops(config.Framework, config.ModelShape, config.Batch, config.VisiblePatches, config.Clones, features is not null),
            gemm, peakMemory, peakDeviceMemory, loss, choice, bf16, group.Size);
    }

    private static (double Step, PhaseMilliseconds Phases, double Loss) TakeStep(BatchReader<MaskedBatch> reader, TrainingStep training, int accumulate)
    {
        PhaseTimes times = training.Times;
        (double mask, double forward, double backward, double exchange, double update) = (times.Mask, times.Forward, times.Backward, times.Exchange, times.Update);
        long begin = Stopwatch.GetTimestamp();
        using StepBatches batches = StepBatches.Take(reader, accumulate);
        double data = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        double loss = training.Run(batches.All, LearningRate, EmaDecay).Loss;
        double step = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        var phases = new PhaseMilliseconds(
            data, batches.MaskMilliseconds + 1000 * (times.Mask - mask),
            1000 * (times.Forward - forward), 1000 * (times.Backward - backward), 1000 * (times.Exchange - exchange), 1000 * (times.Update - update));
        return (step, phases, loss);
    }

    private static BatchPipeline Pipeline(PretrainingConfig config, ClipSource source, TrainingGroup group) => new(
        source, config.Batches(new NormalisationStatistics(0, 1), (_, _) => HintRatio, group) with { MinClips = Math.Max(config.MinClips, config.Batch) }, new BadFiles());

    /// <summary>The result as <c>bench/compare</c> and scripts read it; the peer in bench/pytorch has the same names.</summary>
    public static JsonObject Json(TrainBenchResult result) => new()
    {
        ["engine"] = $"otomask on {TorchRuntime.Describe().Split('\n')[0]}",
        ["framework"] = result.Config.Framework.Name,
        ["encoder"] = result.Config.ModelShape.Encoder.ToString(),
        ["decoder"] = result.Config.ModelShape.Decoder.ToString(),
        ["input"] = result.Config.Input,
        ["patch"] = result.Config.Patch,
        ["mask"] = result.Config.Mask,
        ["device"] = result.Config.Device,
        ["batch"] = result.Config.Batch,
        ["precision"] = result.Config.Precision.Name(),
        ["moments"] = result.Config.Moments.Name(),
        ["gradients"] = result.Config.Gradients.Name(),
        ["precision_auto"] = result.Choice?.ToString(),
        ["bf16_by"] = ConfigText.Text(result.Config.Bf16By),
        ["bf16_choice"] = result.Bf16,
        ["checkpoint_activations"] = result.Config.CheckpointActivations,
        ["accumulate"] = result.Config.Accumulate,
        ["processes"] = result.Processes,
        ["threads"] = TorchRuntime.Threads,
        ["kernels"] = TorchRuntime.Kernels.Name(),
        ["steps"] = result.Steps,
        ["clips_per_second"] = Math.Round(result.ClipsPerSecond, 2),
        ["step_ms"] = Math.Round(result.Step, 2),
        ["phase_ms"] = new JsonObject
        {
            ["data"] = Math.Round(result.Phases.Data, 2),
            ["mask"] = Math.Round(result.Phases.Mask, 2),
            ["forward"] = Math.Round(result.Phases.Forward, 2),
            ["backward"] = Math.Round(result.Phases.Backward, 2),
            ["exchange"] = Math.Round(result.Phases.Exchange, 2),
            ["update"] = Math.Round(result.Phases.Update, 2),
        },
        ["gflop_per_step"] = Math.Round(result.Gigaflops, 3),
        ["gflops"] = Math.Round(result.Speed, 1),
        ["gemm_gflops"] = Math.Round(result.GemmSpeed, 1),
        ["peak_rss_mb"] = result.PeakMemory >> 20,
        ["peak_device_mb"] = result.PeakDeviceMemory >> 20,
        ["loss"] = result.Loss,
    };

    /// <summary>The result for people.</summary>
    public static void Write(TrainBenchResult result, TextWriter console)
    {
        PretrainingConfig config = result.Config;
        if (result.Bf16 is { } bf16)
            console.Tell(bf16);
        if (result.Choice is { } choice)
            console.Tell(choice.ToString());
        string where = KnownMaskings.Find(config.Mask).CreateDataStrategy() is null ? "in the step, with the model's features" : "on loader threads, beside the step";
        string products = config.Bf16By is { } who ? $" by {(who == Bf16By.Aten ? "ATen" : "the kernels")}" : "";
        console.Tell($"{config.Framework} {config.ModelShape.Encoder} + {config.ModelShape.Decoder}, input {config.Input}, patch {config.Patch}, "
            + $"batch {config.Batch}, {config.Precision}{products}, {(config.CheckpointActivations ? "checkpointed activations, " : "")}{(result.Processes > 1 ? $"{result.Processes} processes of " : "")}{TorchRuntime.Threads} threads, kernels {TorchRuntime.Kernels.Name()}, median of {result.Steps} steps");
        console.Tell($"clips/s      {result.ClipsPerSecond:F1}");
        console.Tell($"step         {result.Step:F1} ms: data wait {result.Phases.Data:F1}, forward {result.Phases.Forward:F1}, "
            + $"backward {result.Phases.Backward:F1}{(result.Processes > 1 ? $", waiting for others {result.Phases.Exchange:F1}" : "")}, optimiser and EMA {result.Phases.Update:F1}");
        console.Tell($"mask         {result.Phases.Mask:F2} ms a batch ({config.Mask}), {where}");
        console.Tell($"speed        {result.Gigaflops:F1} GFLOP a step, {result.Speed:F0} GFLOP/s = {result.Speed / result.GemmSpeed:P0} of a matrix product ({result.GemmSpeed:F0} GFLOP/s)");
        console.Tell($"peak memory  {result.PeakMemory / 1e6:F0} MB{(result.PeakDeviceMemory is { } bytes ? $", {bytes / 1e6:F0} MB of {config.Device}" : "")}");
    }
}

using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using OtoMask.App.Bench;
using OtoMask.Configuration;
using OtoMask.Masking;

namespace OtoMask.App.Commands;

/// <summary><c>otomask bench logmel</c>, <c>bench embed</c>, <c>bench masks</c> and <c>bench train</c>: what log-mels, embeddings, masks and training steps cost on this machine.</summary>
internal static class BenchCommand
{
    private static readonly NumberRange Lengths = new(0, 86_400) { IsAbove = true };
    private static readonly NumberRange ClipLengths = new(0, 600) { IsAbove = true };
    private static readonly PretrainingConfig Defaults = new() { Data = "made-up clips", Batch = 16, Mask = "random" };
    /// <summary>What of a configuration changes the time of its steps: the options of <c>bench train</c>.</summary>
    public static readonly string[] TrainKeys =
        ["framework", "size", "encoder", "decoder", "input", "patch", "mask", "mask-block", "mask-ratio", "clones", "batch", "precision", "bf16-by", "moments", "gradients", "accumulate", "seed", "device", "checkpoint-activations", "workers"];

    /// <summary>What of it matters only to strategies that read the encoder's features.</summary>
    private static readonly string[] OfFeatures = ["size", "encoder", "precision", "device"];

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create() => new("bench", "Measure what log-mels, embeddings, masks and training steps cost on this machine.") { LogMel(), Embed(), Masks(), Train() };

    private static Command LogMel()
    {
        NumberOption<double> seconds = new("--seconds", Lengths, "How long to measure, on one thread and on all.") { HelpName = "S", DefaultValueFactory = _ => 1 };
        Option<bool> json = Json();
        ConfigOptions<PretrainingConfig> options = ConfigOptions.Of("sample-rate", "seed");
        Command command = new("logmel", "Time the way from waveforms in memory to log-mels.") { seconds, json };
        options.AddTo(command);
        command.SetAction((line, cancel) =>
        {
            PretrainingConfig config = options.InEffect(line, options.Read(line, Defaults).Validate());
            LogMelSpeed speed = LogMelBench.Run(config.LogMel, config.Seed, seconds.Read(line), cancel);
            Write(line, json, () => LogMelBench.Json(speed), console => LogMelBench.Write(speed, console));
            return Task.FromResult(0);
        });
        return command;
    }

    private static Command Embed()
    {
        NumberOption<double> length = new("--clip-seconds", ClipLengths, "Length of a clip.") { HelpName = "S", DefaultValueFactory = _ => 1 };
        NumberOption<int> clips = new("--clips", new NumberRange(1, 100_000), "Clips of a round.") { HelpName = "N", DefaultValueFactory = _ => 64 };
        NumberOption<double> seconds = new("--seconds", Lengths, "How long to measure; three rounds at least.") { HelpName = "S", DefaultValueFactory = _ => 10 };
        Option<bool> json = Json();
        ConfigOptions<PretrainingConfig> options = ConfigOptions.Of("size", "encoder", "input", "patch", "sample-rate", "seed", "device");
        Command command = new("embed", "Time the way from waveforms in memory to embeddings, a call for each clip and one for all.") { length, clips, seconds, json };
        options.AddTo(command);
        command.SetAction((line, cancel) =>
        {
            PretrainingConfig config = options.InEffect(line, options.Read(line, Defaults).Validate());
            EmbedSpeed speed = EmbedBench.Run(config, length.Read(line), clips.Read(line), seconds.Read(line), cancel);
            Write(line, json, () => EmbedBench.Json(speed), console => EmbedBench.Write(speed, console));
            return Task.FromResult(0);
        });
        return command;
    }

    private static Command Masks()
    {
        NumberOption<double> seconds = new("--seconds", Lengths, "How long to draw with each strategy.") { HelpName = "S", DefaultValueFactory = _ => 0.3 };
        Option<bool> json = Json();
        ConfigOptions<PretrainingConfig> options = ConfigOptions.Of("framework", "size", "encoder", "input", "patch", "mask", "mask-block", "mask-ratio", "batch", "precision", "seed", "device");
        Command command = new("masks", "Time the drawing of a batch of masks: with every strategy, or with the one of --mask.") { seconds, json };
        options.AddTo(command);
        command.SetAction((line, cancel) =>
        {
            bool isOne = options.Given(line).Contains("mask");
            PretrainingConfig defaults = isOne ? Defaults : Defaults with { Mask = "inverse-block" }; // among all, some are made of blocks: --mask-block is for those
            PretrainingConfig config = options.InEffect(line, options.Read(line, defaults).Validate());
            IReadOnlyList<MaskingInfo> maskings = isOne ? [config.Masking] : [.. KnownMaskings.All.Select(masking => masking.InBlocks(config.MaskBlock))];
            if (options.Given(line).Intersect(OfFeatures).FirstOrDefault() is { } idle && maskings.All(masking => masking.CreateFeatureStrategy() is null))
                throw new UserErrorException($"--{idle} has no effect: mask {config.Mask} reads {maskings[0].DependsOn}, and no model is run for it; leave it out");
            IReadOnlyList<MaskCost> costs = MaskBench.Run(maskings, config, seconds.Read(line), cancel);
            Write(line, json, () => MaskBench.Json(config, costs), console => MaskBench.Write(config, costs, console));
            return Task.FromResult(0);
        });
        return command;
    }

    private static Command Train()
    {
        NumberOption<int> steps = new("--steps", new NumberRange(1, 1_000_000), "Steps to measure, after two to warm up.") { HelpName = "N", DefaultValueFactory = _ => 10 };
        Option<bool> json = Json();
        ConfigOptions<PretrainingConfig> options = ConfigOptions.Of(TrainKeys);
        ProcessOptions processes = new();
        Command command = new("train", "Time training steps and their phases.") { steps, json };
        options.AddTo(command);
        processes.AddTo(command);
        command.SetAction((line, cancel) =>
        {
            PretrainingConfig config = options.InEffect(line, options.Read(line, Defaults).Validate());
            int count = steps.Read(line);
            return Task.FromResult(processes.Run(line, config.Device, cancel, group =>
            {
                TrainBenchResult result = TrainBench.Run(config, count, group, cancel);
                if (group.IsFirst)
                    Write(line, json, () => TrainBench.Json(result), console => TrainBench.Write(result, console));
            }));
        });
        return command;
    }

    private static Option<bool> Json() => new("--json") { Description = "Print one JSON object instead of a table." };

    private static void Write(ParseResult line, Option<bool> json, Func<JsonObject> asJson, Action<TextWriter> asText)
    {
        TextWriter console = line.InvocationConfiguration.Output;
        if (line.GetValue(json))
            console.TellLines(asJson().ToJsonString(Indented));
        else
            asText(console);
    }
}

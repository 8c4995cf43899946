using System.Text.Json.Nodes;
using OtoMask.Configuration;
using OtoMask.Geometry;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Randomness;
using OtoMask.Torch;

namespace OtoMask.App.Bench;

/// <summary>What one strategy costs.</summary>
/// <param name="Masking">The strategy.</param>
/// <param name="Draw">Milliseconds to draw the masks of a batch, the median.</param>
/// <param name="Features">Milliseconds to encode the whole batch for it first; 0 for strategies that need no features.</param>
internal sealed record MaskCost(MaskingInfo Masking, double Draw, double Features);

/// <summary>Times masking strategies on made-up log-mels.</summary>
internal static class MaskBench
{
    private const double HintRatio = 0.5;

    /// <summary>Times the drawing of a batch of masks.</summary>
    /// <param name="maskings">The strategies.</param>
    /// <param name="config">Geometry, batch, ratio; size and precision for strategies that need the model.</param>
    /// <param name="seconds">How long to draw with each strategy.</param>
    /// <param name="cancel">Ends the measurement.</param>
    public static IReadOnlyList<MaskCost> Run(IEnumerable<MaskingInfo> maskings, PretrainingConfig config, double seconds, CancellationToken cancel)
    {
        float[][] clips = [.. Enumerable.Range(0, config.Batch).Select(clip => Patches(config, clip))];
        var costs = new List<MaskCost>();
        Lazy<(float[] Features, double Milliseconds)> encoded = new(() => Encode(config, clips, seconds, cancel));
        foreach (MaskingInfo masking in maskings)
        {
            MaskingGeometry.Validate(masking, config.Geometry.Grid, config.ResolvedMaskRatio);
            costs.Add(masking.CreateDataStrategy() is { } strategy
                ? new MaskCost(masking, 1000 * Timing.MedianSeconds(seconds, cancel, repetition => Draw(config, strategy, clips, repetition)), 0)
                : new MaskCost(
                    masking,
                    1000 * Timing.MedianSeconds(seconds, cancel, repetition => Draw(config, masking.CreateFeatureStrategy()!, encoded.Value.Features, repetition)),
                    encoded.Value.Milliseconds));
        }
        return costs;
    }

    public static JsonObject Json(PretrainingConfig config, IReadOnlyList<MaskCost> costs) => new()
    {
        ["input"] = config.Input,
        ["patch"] = config.Patch,
        ["batch"] = config.Batch,
        ["mask_ratio"] = config.ResolvedMaskRatio,
        ["masks"] = new JsonArray([.. costs.Select(cost => new JsonObject
        {
            ["name"] = cost.Masking.Name,
            ["draw_ms"] = Math.Round(cost.Draw, 4),
            ["features_ms"] = Math.Round(cost.Features, 4),
        })]),
    };

    public static void Write(PretrainingConfig config, IReadOnlyList<MaskCost> costs, TextWriter console)
    {
        console.Tell($"masks of a batch of {config.Batch}: input {config.Input}, patch {config.Patch}, ratio {config.ResolvedMaskRatio}, hint {HintRatio}; median, ms");
        console.Tell($"{"strategy",-26}{"draw",10}{"features",12}   depends on");
        foreach (MaskCost cost in costs)
            console.Tell($"{cost.Masking.Name,-26}{cost.Draw,10:F3}{(cost.Features > 0 ? $"{cost.Features:F1}" : "-"),12}   {cost.Masking.DependsOn}");
        console.Tell("Draws without features run on loader threads, beside the step; features cost the step one more pass of the encoder.");
    }

    // One thread draws, as a loader does.
    private static void Draw(PretrainingConfig config, IMaskingStrategy strategy, float[][] clips, int repetition)
    {
        for (int clip = 0; clip < clips.Length; clip++)
            _ = strategy.Sample(new PatchView(config.Geometry.Grid, config.Geometry.PatchSize, clips[clip]), Context(config, clip, repetition));
    }

    // All threads draw, as the step does.
    private static void Draw(PretrainingConfig config, IFeatureMaskingStrategy strategy, float[] features, int repetition)
    {
        int width = config.ModelShape.Encoder.Width, size = config.Geometry.Grid.Count * width;
        Parallel.For(0, config.Batch, clip =>
            strategy.Sample(config.Geometry.Grid, features.AsSpan(clip * size, size), width, Context(config, clip, repetition)));
    }

    private static MaskingContext Context(PretrainingConfig config, int clip, int repetition) => new(
        config.ResolvedMaskRatio, HintRatio,
        new RandomStream(config.Seed, RandomPurpose.Mask, index: (long)repetition * config.Batch + clip),
        new RandomStream(config.Seed, RandomPurpose.BatchMask, index: repetition));

    private static (float[] Features, double Milliseconds) Encode(PretrainingConfig config, float[][] clips, double seconds, CancellationToken cancel)
    {
        Device device = Devices.Find(config.Device);
        using MaskedModel model = config.Framework.CreateModel(config.ModelShape, config.Seed, device);
        using var scope = new TensorScope();
        int patches = config.Geometry.Grid.Count;
        float[] all = [.. clips.SelectMany(clip => clip)];
        long[] ids = [.. Enumerable.Range(0, config.Batch * patches).Select(index => (long)index % patches)];
        Tensor input = Tensor.Send(device, all, config.Batch, patches, config.Geometry.PatchSize), positions = Tensor.Send(device, ids, config.Batch, patches);
        float[] features = [];
        (config, _) = config.ResolveBf16By(model, _ => { }, cancel).ResolvePrecision(model, cancel);
        double milliseconds = 1000 * Timing.MedianSeconds(seconds, cancel, _ =>
        {
            using var pass = new TensorScope();
            using IDisposable? autocast = config.Precision.On(device, config.Bf16By);
            features = model.Frozen.Encode(input, positions).Narrow(1, 1, patches).To(DType.Float32).ToArray<float>();
        });
        return (features, milliseconds);
    }

    private static float[] Patches(PretrainingConfig config, int clip)
    {
        InputGeometry input = config.Geometry;
        var patches = new float[input.InputSize];
        float[] logMel = SyntheticClips.Draw(config.Seed, clip, input.Bands, input.Frames);
        PatchCutter.Cut(logMel, input.Bands, input.Frames, input.PatchHeight, input.PatchWidth, patches);
        return patches;
    }
}

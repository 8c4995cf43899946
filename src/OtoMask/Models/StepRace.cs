using System.Diagnostics;
using System.Globalization;
using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Two ways to compute the same step, timed against each other on made-up input: what a run decides by before its first step.</summary>
internal static class StepRace
{
    private const double MostSeconds = 5;
    private const int RoundsOfWholeBatch = 3;

    /// <summary>Compares two ways on batches of growing size, up to the real one or as large as a few seconds allow.</summary>
    /// <param name="batch">The real batch, in clips.</param>
    /// <param name="first">Seconds that one way takes with so many clips.</param>
    /// <param name="second">Seconds that the other takes; infinity where there is no such way.</param>
    /// <returns>Clips per second of each.</returns>
    public static (double First, double Second) Run(int batch, Func<int, double> first, Func<int, double> second)
    {
        (double First, double Second) Round(int clips) => (clips / first(clips), clips / second(clips));

        (double First, double Second) speeds = Round(1); // warms up: memory, threads and kernels are there when it counts
        int previous = 1;
        double left = MostSeconds;
        foreach (int clips in Sizes(batch))
        {
            if (clips * SecondsPerClip(speeds) > left)
                break;
            (double First, double Second) now = Round(clips);
            left -= clips * SecondsPerClip(now);
            speeds = clips == previous ? (Math.Max(speeds.First, now.First), Math.Max(speeds.Second, now.Second)) : now;
            previous = clips;
        }
        return speeds;
    }

    /// <summary>Seconds of forward and backward pass of a model. Its parameters stay as they are, its gradients are zero before and after, and nothing random is drawn.</summary>
    /// <param name="model">The model.</param>
    /// <param name="precision">Precision of the matrix products.</param>
    /// <param name="by">Who computes them in bfloat16.</param>
    /// <param name="clips">B, clips in the batch.</param>
    /// <param name="visible">Lv, visible patches of a mask.</param>
    /// <param name="masks">K, masks of a clip.</param>
    public static double SecondsOf(MaskedModel model, Precision precision, Bf16By? by, int clips, int visible, int masks)
    {
        using var scope = new TensorScope();
        PatchBatch batch = MadeUpBatch(model, clips, visible, masks);
        return SecondsOf(model.Trained, precision.On(model.Device, by), () => model.Loss(batch).Total);
    }

    /// <summary>The same for a model that tells classes; what its batch normalisation remembers stays, too.</summary>
    /// <param name="model">The model.</param>
    /// <param name="by">Who computes bfloat16 products.</param>
    /// <param name="clips">B, clips in the batch.</param>
    /// <param name="patches">Patches of a clip that are given.</param>
    public static double SecondsOf(Classifier model, Bf16By by, int clips, int patches)
    {
        using var scope = new TensorScope();
        Tensor values = Values(model.Device, clips, patches, model.Shape.PatchSize), ids = Ids(model.Device, clips, 0, patches);
        return SecondsOf(model.Trained, Precision.Bf16.On(model.Device, by), () => model.Logits(values, ids, training: false).Mean());
    }

    /// <param name="trained">What the gradients are of.</param>
    /// <param name="autocast">In force while the loss is computed; null = nothing is.</param>
    /// <param name="loss">The forward pass.</param>
    private static double SecondsOf(ParameterSet trained, IDisposable? autocast, Func<Tensor> loss)
    {
        long begin = Stopwatch.GetTimestamp();
        Tensor total;
        using (autocast)
            total = loss();
        total.Backward();
        _ = trained.Gradients.Narrow(0, 0, 1).Item(); // reading one value waits for the device
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        trained.Gradients.ZeroInto();
        return seconds;
    }

    /// <summary>For example <c>1.8 x as fast as fp32 (98 against 55 clips/s)</c>.</summary>
    /// <param name="more">Clips per second of the faster way.</param>
    /// <param name="slower">The name of the other.</param>
    /// <param name="less">Clips per second of that.</param>
    public static string Told(double more, string slower, double less) =>
        string.Create(CultureInfo.InvariantCulture, $"{more / less:F1} x as fast as {slower} ({Speed(more)} against {Speed(less)} clips/s)");

    private static string Speed(double clips) => clips.ToString(clips < 10 ? "F1" : "F0", CultureInfo.InvariantCulture);

    private static double SecondsPerClip((double First, double Second) speeds) => 1 / speeds.First + 1 / speeds.Second;

    private static IEnumerable<int> Sizes(int batch)
    {
        for (long clips = 1; clips < batch; clips *= 2)
            yield return (int)clips;
        for (int round = 0; round < RoundsOfWholeBatch; round++)
            yield return batch;
    }

    /// <summary>A batch whose first patches are the visible ones.</summary>
    private static PatchBatch MadeUpBatch(MaskedModel model, int clips, int visible, int masks)
    {
        int patches = model.Shape.PatchCount, size = model.Shape.PatchSize, hidden = patches - visible;
        Tensor seen = Ids(model.Device, clips * masks, 0, visible), unseen = Ids(model.Device, clips * masks, visible, hidden);
        Tensor? noise = model.Framework.MaskNoise(model.Shape) is { Width: var width } ? Values(model.Device, clips * masks, hidden, width) : null;
        if (masks == 1 && !model.Framework.ReadsWholeClip)
            return new PatchBatch(Values(model.Device, clips, visible, size), seen, Values(model.Device, clips, hidden, size), unseen, noise);
        Tensor whole = Values(model.Device, clips, patches, size);
        return new PatchBatch((whole, whole), seen, unseen, noise);
    }

    /// <summary>Values that vary, as those of sound do: zeros would be slow or fast in their own way.</summary>
    private static Tensor Values(Device device, int clips, int patches, int size) =>
        Tensor.Send<float>(device, [.. Enumerable.Range(0, clips * patches * size).Select(i => MathF.Sin(i))], clips, patches, size);

    private static Tensor Ids(Device device, int rows, int first, int count) =>
        Tensor.Send<long>(device, [.. Enumerable.Range(0, rows * count).Select(i => (long)first + i % count)], rows, count);
}

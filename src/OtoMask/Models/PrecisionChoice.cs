using System.Diagnostics;
using System.Globalization;
using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>What <see cref="Precision.Auto"/> stands for: the precision in which forward and backward pass of a model take less time here.</summary>
/// <param name="Fp32">Clips per second in float32.</param>
/// <param name="Bf16">Clips per second in bfloat16; 0 where libtorch runs nothing in it on the device.</param>
public sealed record PrecisionChoice(double Fp32, double Bf16)
{
    private const double MostSeconds = 5;
    private const int RoundsOfWholeBatch = 3;

    /// <summary>The faster one.</summary>
    public Precision Faster => Bf16 > Fp32 ? Precision.Bf16 : Precision.Fp32;

    /// <summary>Times a model on made-up input. Its parameters stay as they are, and nothing random is drawn.</summary>
    /// <param name="model">The model; its gradients are zero before and after.</param>
    /// <param name="clips">B, clips in a batch.</param>
    /// <param name="visible">Lv, visible patches of a mask.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    internal static PrecisionChoice Measure(MaskedModel model, int clips, int visible, CancellationToken cancellation = default) => Measure(clips, (precision, some) =>
    {
        cancellation.ThrowIfCancellationRequested();
        return precision == Precision.Bf16 && !TorchRuntime.HasAutocast(model.Device) ? double.PositiveInfinity : SecondsOf(model, precision, some, visible);
    });

    /// <summary>Compares the precisions on batches of growing size, up to the real one or as large as a few seconds allow.</summary>
    /// <param name="batch">The real batch.</param>
    /// <param name="secondsOf">Seconds that forward and backward pass take in a precision with so many clips.</param>
    internal static PrecisionChoice Measure(int batch, Func<Precision, int, double> secondsOf)
    {
        PrecisionChoice Round(int clips) => new(clips / secondsOf(Precision.Fp32, clips), clips / secondsOf(Precision.Bf16, clips));

        PrecisionChoice choice = Round(1); // warms up: memory, threads and kernels are there when it counts
        int previous = 1;
        double left = MostSeconds;
        foreach (int clips in Sizes(batch))
        {
            if (clips * choice.SecondsPerClip > left)
                break;
            PrecisionChoice now = Round(clips);
            left -= clips * now.SecondsPerClip;
            choice = clips == previous ? new(Math.Max(choice.Fp32, now.Fp32), Math.Max(choice.Bf16, now.Bf16)) : now;
            previous = clips;
        }
        return choice;
    }

    /// <summary>For example <c>precision auto: bf16, 1.8 x as fast as fp32 (98 against 55 clips/s)</c>.</summary>
    public override string ToString()
    {
        if (Bf16 == 0)
            return "precision auto: fp32, for this libtorch runs no bfloat16 products on the device";
        (string faster, double more, string slower, double less) = Faster == Precision.Bf16 ? ("bf16", Bf16, "fp32", Fp32) : ("fp32", Fp32, "bf16", Bf16);
        return string.Create(CultureInfo.InvariantCulture, $"precision auto: {faster}, {more / less:F1} x as fast as {slower} ({Speed(more)} against {Speed(less)} clips/s)");
    }

    private double SecondsPerClip => 1 / Fp32 + 1 / Bf16;

    private static string Speed(double clips) => clips.ToString(clips < 10 ? "F1" : "F0", CultureInfo.InvariantCulture);

    private static IEnumerable<int> Sizes(int batch)
    {
        for (long clips = 1; clips < batch; clips *= 2)
            yield return (int)clips;
        for (int round = 0; round < RoundsOfWholeBatch; round++)
            yield return batch;
    }

    private static double SecondsOf(MaskedModel model, Precision precision, int clips, int visible)
    {
        using var scope = new TensorScope();
        PatchBatch batch = MadeUpBatch(model, clips, visible);
        long begin = Stopwatch.GetTimestamp();
        Tensor loss;
        using (precision.On(model.Device))
            loss = model.Loss(batch).Total;
        loss.Backward();
        _ = model.Trained.Gradients.Narrow(0, 0, 1).Item(); // reading one value waits for the device
        double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
        model.Trained.Gradients.ZeroInto();
        return seconds;
    }

    /// <summary>A batch whose first patches are the visible ones. The values vary, as those of sound do: zeros would be slow or fast in their own way.</summary>
    private static PatchBatch MadeUpBatch(MaskedModel model, int clips, int visible)
    {
        int patches = model.Shape.PatchCount, size = model.Shape.PatchSize, masks = model.Framework.MasksPerClip, hidden = patches - visible;
        Tensor Values(int count) => Tensor.Send<float>(model.Device, [.. Enumerable.Range(0, clips * count * size).Select(i => MathF.Sin(i))], clips, count, size);
        Tensor Ids(int first, int count) => Tensor.Send<long>(model.Device, [.. Enumerable.Range(0, clips * masks * count).Select(i => (long)first + i % count)], clips * masks, count);
        if (masks == 1 && !model.Framework.ReadsWholeClip)
            return new PatchBatch(Values(visible), Ids(0, visible), Values(hidden), Ids(visible, hidden));
        Tensor whole = Values(patches);
        return new PatchBatch((whole, whole), Ids(0, visible), Ids(visible, hidden));
    }
}

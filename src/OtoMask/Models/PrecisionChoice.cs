using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>What <see cref="Precision.Auto"/> stands for: the precision in which forward and backward pass of a model take less time here.</summary>
/// <param name="Fp32">Clips per second in float32.</param>
/// <param name="Bf16">Clips per second in bfloat16; 0 where libtorch runs nothing in it on the device.</param>
public sealed record PrecisionChoice(double Fp32, double Bf16)
{
    /// <summary>The faster one.</summary>
    public Precision Faster => Bf16 > Fp32 ? Precision.Bf16 : Precision.Fp32;

    /// <summary>Times a model on made-up input. Its parameters stay as they are, and nothing random is drawn.</summary>
    /// <param name="model">The model; its gradients are zero before and after.</param>
    /// <param name="clips">B, clips in a batch.</param>
    /// <param name="visible">Lv, visible patches of a mask.</param>
    /// <param name="masks">K, masks of a clip.</param>
    /// <param name="by">Who computes bfloat16 products.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    internal static PrecisionChoice Measure(MaskedModel model, int clips, int visible, int masks, Bf16By? by = null, CancellationToken cancellation = default) => Measure(clips, (precision, some) =>
    {
        cancellation.ThrowIfCancellationRequested();
        return precision == Precision.Bf16 && !TorchRuntime.HasAutocast(model.Device) ? double.PositiveInfinity : StepRace.SecondsOf(model, precision, by, some, visible, masks);
    });

    /// <summary>Compares the precisions as <see cref="StepRace"/> does.</summary>
    /// <param name="batch">The real batch.</param>
    /// <param name="secondsOf">Seconds that forward and backward pass take in a precision with so many clips.</param>
    internal static PrecisionChoice Measure(int batch, Func<Precision, int, double> secondsOf)
    {
        (double fp32, double bf16) = StepRace.Run(batch, clips => secondsOf(Precision.Fp32, clips), clips => secondsOf(Precision.Bf16, clips));
        return new(fp32, bf16);
    }

    /// <summary>For example <c>precision auto: bf16, 1.8 x as fast as fp32 (98 against 55 clips/s)</c>.</summary>
    public override string ToString()
    {
        if (Bf16 == 0)
            return "precision auto: fp32, for this libtorch runs no bfloat16 products on the device";
        (string faster, double more, string slower, double less) = Faster == Precision.Bf16 ? ("bf16", Bf16, "fp32", Fp32) : ("fp32", Fp32, "bf16", Bf16);
        return $"precision auto: {faster}, {StepRace.Told(more, slower, less)}";
    }
}

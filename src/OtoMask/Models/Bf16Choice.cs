using System.Text.Json.Serialization;
using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Who computes bfloat16 products in less time on a processor with AMX, which ATen multiplies by and our kernels do not. Elsewhere there is nothing to choose.</summary>
/// <param name="Kernels">Clips per second by the kernels, forward and backward pass.</param>
/// <param name="Aten">Clips per second by ATen; 0 where its step does not fit in memory.</param>
internal sealed record Bf16Choice(double Kernels, double Aten)
{
    /// <summary>The faster one.</summary>
    [JsonIgnore]
    public Bf16By Faster => Aten > Kernels ? Bf16By.Aten : Bf16By.Kernels;

    /// <summary>Who computes a run's bfloat16 products: whom it names, or the faster one by measurement where two can; null where nothing is to choose.</summary>
    /// <param name="named">Whom the run names, or null.</param>
    /// <param name="precision">Its precision.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="measure">Times both.</param>
    /// <param name="tell">Is told what was measured.</param>
    public static Bf16By? For(Bf16By? named, Precision precision, Device device, Func<Bf16Choice> measure, Action<string> tell)
    {
        if (named is not null || precision is not (Precision.Bf16 or Precision.Auto) || !device.IsCpu || !TorchRuntime.HasTwoWaysOfBf16)
            return named;
        Bf16Choice choice = measure();
        tell(choice.ToString());
        return choice.Faster;
    }

    /// <summary>Compares the two as <see cref="StepRace"/> does.</summary>
    /// <param name="batch">The real batch.</param>
    /// <param name="fits">Whether so many clips fit in memory by ATen, which keeps more. Where the batch does not, it is not tried.</param>
    /// <param name="secondsOf">Seconds that forward and backward pass take with so many clips, by whom.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    public static Bf16Choice Measure(int batch, Func<int, bool> fits, Func<Bf16By, int, double> secondsOf, CancellationToken cancellation = default)
    {
        bool hasRoom = fits(batch);
        double Seconds(Bf16By by, int clips)
        {
            cancellation.ThrowIfCancellationRequested();
            return by == Bf16By.Aten && !hasRoom ? double.PositiveInfinity : secondsOf(by, clips);
        }

        (double kernels, double aten) = StepRace.Run(batch, clips => Seconds(Bf16By.Kernels, clips), clips => Seconds(Bf16By.Aten, clips));
        return new(kernels, aten);
    }

    /// <summary>For example <c>by ATen, 2.1 x as fast as by the kernels (98 against 46 clips/s)</c>.</summary>
    [JsonIgnore]
    public string Told => Aten == 0 ? "by the kernels, for by ATen a step does not fit in memory"
        : Faster == Bf16By.Aten ? $"by ATen, {StepRace.Told(Aten, "by the kernels", Kernels)}"
        : $"by the kernels, {StepRace.Told(Kernels, "by ATen", Aten)}";

    /// <summary>The same, to stand alone.</summary>
    public override string ToString() => $"bf16 on a processor with AMX: {Told}";
}

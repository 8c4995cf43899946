using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>Precision of the matrix products; weights, sums, normalisation and the optimiser are always float32.</summary>
public enum Precision
{
    /// <summary>float32 throughout.</summary>
    Fp32,

    /// <summary>float32, whose products round their factors to TensorFloat-32, 10 bits of precision, on the tensor cores of a GPU. <see cref="Fp32"/> never does.</summary>
    Tf32,

    /// <summary>bfloat16 matrix products.</summary>
    Bf16,

    /// <summary>Whichever of the two trains faster, see <see cref="PrecisionChoice"/>. A run resolves it before its first step.</summary>
    Auto,
}

/// <summary>Computing in a precision.</summary>
internal static class PrecisionExtensions
{
    /// <summary>Its name in configurations and reports: fp32, tf32, bf16 or auto.</summary>
    public static string Name(this Precision precision) => precision.ToString().ToLowerInvariant();

    /// <summary>The type of values kept in it; float32 where it is not resolved.</summary>
    public static DType Type(this Precision precision) => precision == Precision.Bf16 ? DType.BFloat16 : DType.Float32;

    /// <summary>Bytes of a value kept in it.</summary>
    internal static int Bytes(this Precision precision) => precision == Precision.Bf16 ? 2 : sizeof(float);

    /// <summary>That a configuration may ask for a precision on a device, whether or not this machine has it.</summary>
    /// <exception cref="UserErrorException">It may not.</exception>
    internal static void RequireOn(this Precision precision, Device device)
    {
        if (precision == Precision.Tf32 && device.IsCpu)
            throw new UserErrorException("precision tf32 is of GPUs; on the processor choose fp32 or bf16");
    }

    /// <summary>A device, unless this libtorch runs nothing in a precision there.</summary>
    /// <exception cref="UserErrorException">It does not.</exception>
    internal static Device Having(this Device device, Precision precision) => precision != Precision.Bf16 || TorchRuntime.HasAutocast(device)
        ? device
        : throw new UserErrorException($"`precision` bf16: this libtorch runs no bfloat16 products on {device}; use fp32");

    /// <summary>Until disposed, products of a step, the backward pass too, are what the precision asks of those in float32; null where nothing has to change.</summary>
    internal static IDisposable? OfStep(this Precision precision) => precision == Precision.Tf32 ? TorchRuntime.Tf32() : null;

    /// <summary>Until disposed, matrix products on this thread run in <paramref name="precision"/>; null where nothing has to change.</summary>
    /// <param name="precision">The precision.</param>
    /// <param name="device">Where they run.</param>
    /// <param name="by">Who computes those in bfloat16; null = the kernels, where there are some.</param>
    /// <exception cref="UserErrorException">This libtorch runs nothing in it on the device.</exception>
    /// <exception cref="ArgumentException">The precision is <see cref="Precision.Auto"/>, which is none before it is resolved.</exception>
    public static IDisposable? On(this Precision precision, Device device, Bf16By? by = null) => precision switch
    {
        Precision.Fp32 or Precision.Tf32 => null,
        Precision.Bf16 => TorchRuntime.Autocast(device.Having(precision), leavesToAten: by == Bf16By.Aten),
        _ => throw new ArgumentException($"precision {precision} must be resolved before anything is computed", nameof(precision)),
    };
}

using System.Runtime.InteropServices;
using OtoMask.Torch.Interop;

namespace OtoMask.Torch;

/// <summary>libtorch as a whole: threads, devices, precision of the calling thread.</summary>
public static class TorchRuntime
{
    /// <summary>Threads that one operator uses; at first the cores given to this process, or OMP_NUM_THREADS where that is set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to less than 1.</exception>
    public static int Threads
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_threads(out int count));
            return count;
        }
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            NativeMethods.Check(NativeMethods.om_set_threads(value));
        }
    }

    /// <summary>libtorch's version on the first line, then how it runs in parallel (OpenMP, BLAS), as libtorch tells it.</summary>
    public static string Describe()
    {
        NativeMethods.Check(NativeMethods.om_describe(out nint text));
        return Marshal.PtrToStringUTF8(text) ?? "";
    }

    /// <summary>Which kernels of our own this processor runs; what it does not run, ATen computes, more slowly.</summary>
    public static KernelLevel Kernels
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_kernels(out int level));
            return (KernelLevel)level;
        }
    }

    /// <summary>True when <paramref name="device"/> is a device that this machine and this libtorch have.</summary>
    public static bool Has(Device device)
    {
        string[] parts = device.Name.Split(':');
        if (NativeMethods.om_device_count(parts[0], out int count) != 0)
            return false;
        return parts.Length == 1 ? count > 0 : int.TryParse(parts[1], out int index) && index >= 0 && index < count;
    }

    /// <summary>Until disposed, operators on this thread record nothing for autograd.</summary>
    public static IDisposable NoGrad()
    {
        NativeMethods.Check(NativeMethods.om_set_grad_mode(0, out int previous));
        return new Undo(() => NativeMethods.Check(NativeMethods.om_set_grad_mode(previous, out _)));
    }

    /// <summary>Until disposed, matrix products on this thread run in bfloat16 (weights, sums and normalisation stay float32).</summary>
    public static IDisposable Autocast(Device device)
    {
        string kind = device.Name.Split(':')[0];
        NativeMethods.Check(NativeMethods.om_set_autocast(kind, 1, (int)DType.BFloat16));
        return new Undo(() => NativeMethods.Check(NativeMethods.om_set_autocast(kind, 0, (int)DType.BFloat16)));
    }

    private sealed class Undo(Action action) : IDisposable
    {
        private Action? pending = action;

        public void Dispose() => Interlocked.Exchange(ref pending, null)?.Invoke();
    }
}

/// <summary>Which kernels of our own a processor runs.</summary>
public enum KernelLevel
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>float32 (AVX-512).</summary>
    Fp32 = 1,

    /// <summary>float32, and bfloat16 faster still (AVX512-BF16); elsewhere bfloat16 is emulated, slowly.</summary>
    Bf16 = 2,
}

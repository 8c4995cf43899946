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

    /// <summary>The kernels of our own in use, for all threads; what they lack, ATen computes, more slowly. At first
    /// <see cref="BestKernels"/>, or what <c>OTOMASK_KERNELS</c> asks for.</summary>
    /// <exception cref="TorchException">Set to what this processor does not run.</exception>
    public static KernelSet Kernels
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_kernels(out int inUse, out _));
            return (KernelSet)inUse;
        }
        set => NativeMethods.Check(NativeMethods.om_use_kernels((int)value));
    }

    /// <summary>The best kernels that this processor runs; it runs the lesser ones too.</summary>
    public static KernelSet BestKernels
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_kernels(out _, out int best));
            return (KernelSet)best;
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

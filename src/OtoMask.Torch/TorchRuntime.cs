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

    /// <summary>True where this processor multiplies bfloat16 faster than float32 (AVX512-BF16); elsewhere it is emulated, slowly.</summary>
    public static bool HasFastBFloat16
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_has_bfloat16(out int has));
            return has != 0;
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

using System.Globalization;
using System.Runtime.InteropServices;
using OtoMask.Torch.Interop;

namespace OtoMask.Torch;

/// <summary>libtorch as a whole: threads, devices, precision of the calling thread.</summary>
/// <remarks>It is loaded when something of it is first needed. The environment and the allocator of the process stay as they are unless
/// <see cref="TuneProcess"/> is called.</remarks>
public static class TorchRuntime
{
    /// <summary>Sets this process up for long training, for the program that owns it to call before anything else of this library; <c>otomask</c> does.</summary>
    /// <remarks>
    /// <para>Threads of OpenMP that wait look a thousand times and then sleep, instead of spinning: <c>OMP_WAIT_POLICY=PASSIVE</c> and <c>GOMP_SPINCOUNT=1000</c>
    /// in C's environment. What is set there already stays.</para>
    /// <para><c>TORCH_CPP_LOG_LEVEL=FATAL</c>: what goes wrong between processes is told as an exception, not by lines of libtorch's own.</para>
    /// <para>The allocator, glibc's, keeps blocks of up to 32 MiB, and 1 GiB of what is freed, instead of giving them back to the system: a training step
    /// is a tenth faster, and the process gives memory back only when it ends.</para>
    /// <para>When it ends, it ends at once, without running the destructors of native libraries: those of libtorch take away what other threads may
    /// still be using, which has been seen to end a command that was done with a segmentation fault.</para>
    /// <para>All take effect when libtorch is loaded. Further calls do nothing.</para>
    /// </remarks>
    /// <exception cref="InvalidOperationException">libtorch is loaded already, so it comes too late.</exception>
    public static void TuneProcess() => Bridge.Tune();

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
    /// <see cref="BestKernels"/>, or what <c>OTOMASK_KERNELS</c> asks for. On a processor with AMX a training in bfloat16 times these kernels and ATen, and goes on
    /// with the faster, unless <c>OTOMASK_KERNELS</c> is set.</summary>
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

    /// <summary>Whether the kernels multiply bfloat16 by the instruction for pairs, for all threads. At first, but not on Intel's processors, where each half of a
    /// pair is multiplied as a float32, which is faster there (docs/performance.md).</summary>
    internal static bool MultipliesPairs
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_multiplies_pairs(out int pairs));
            return pairs != 0;
        }
        set => NativeMethods.Check(NativeMethods.om_multiply_pairs(value ? 1 : 0));
    }

    /// <summary>Whether the processor multiplies tiles of bfloat16 (Intel's AMX): ATen does by them, the kernels do not.</summary>
    internal static bool HasAmx
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_has_amx(out int has));
            return has != 0 || ProcessorSetting.PretendsAmx;
        }
    }

    /// <summary>Whether bfloat16 products on the processor may be faster in ATen than by the kernels in use, and nobody has said by <c>OTOMASK_KERNELS</c> which to take.</summary>
    internal static bool HasTwoWaysOfBf16 => HasAmx && Kernels == KernelSet.Avx512Bf16 && !KernelSetting.IsGiven;

    /// <summary>True when <paramref name="device"/> is a device that this machine and this libtorch have.</summary>
    public static bool Has(Device device)
    {
        if (device.IsCpu)
            return true;
        return device.Name.Split(':') is [var kind, var number] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            && number == index.ToString(CultureInfo.InvariantCulture) && NativeMethods.om_device_count(kind, out int count) == 0 && index < count;
    }

    /// <summary>Waits until a device has done what it was asked: calls on another one than the processor return before.</summary>
    public static void Wait(Device device) => NativeMethods.Check(NativeMethods.om_synchronize(device.Name));

    /// <summary>Bytes of a device's memory that this process has reserved at most; null where nobody tells: for the processor, whose memory the system tells of, and by
    /// libtorch before 2.9.</summary>
    internal static long? PeakMemoryOf(Device device)
    {
        NativeMethods.Check(NativeMethods.om_peak_memory(device.Name, out long bytes));
        return bytes < 0 ? null : bytes;
    }

    /// <summary>Loads a library that brings libtorch a kind of device: the backend of an accelerator that PyTorch itself does not know, built for the libtorch in
    /// use. Its devices are called <c>privateuseone:0</c> and so on, unless it renames them.</summary>
    /// <remarks>The variable <c>OTOMASK_BACKEND</c> does the same for any program, as soon as libtorch is loaded.</remarks>
    /// <param name="path">The library.</param>
    /// <exception cref="TorchLoadException">It cannot be loaded.</exception>
    public static void LoadBackend(string path)
    {
        _ = Threads; // libtorch comes first: the backend registers with it
        Bridge.LoadBackend(path);
    }

    /// <summary>Whether products on a device can run in another type (<see cref="Autocast(Device)"/>). A device that a library brings in has to say so itself, which libtorch 1.13 knows no way to do.</summary>
    public static bool HasAutocast(Device device)
    {
        NativeMethods.Check(NativeMethods.om_has_autocast(device.Name, out int has));
        return has != 0;
    }

    /// <summary>Until disposed, operators on this thread record nothing for autograd.</summary>
    public static IDisposable NoGrad()
    {
        NativeMethods.Check(NativeMethods.om_set_grad_mode(0, out int previous));
        return new Undo(() => NativeMethods.Check(NativeMethods.om_set_grad_mode(previous, out _)));
    }

    /// <summary>Until disposed, matrix products on this thread run in bfloat16 (weights, sums and normalisation stay float32).</summary>
    public static IDisposable Autocast(Device device) => Autocast(device, leavesToAten: false);

    /// <summary>The same; what begins meanwhile on this thread can be left to ATen, also where there are kernels for it on the processor.</summary>
    internal static IDisposable Autocast(Device device, bool leavesToAten)
    {
        void Set(bool enabled)
        {
            NativeMethods.Check(NativeMethods.om_set_autocast(device.Name, enabled ? 1 : 0, (int)DType.BFloat16));
            NativeMethods.Check(NativeMethods.om_leave_bf16_to_aten(enabled && leavesToAten ? 1 : 0));
        }

        Set(true);
        return new Undo(() => Set(false));
    }

    /// <summary>Until disposed, float32 products on a GPU's tensor cores, of all threads, may round their factors to TensorFloat-32 (10 bits of precision).</summary>
    public static IDisposable Tf32()
    {
        NativeMethods.Check(NativeMethods.om_set_tf32(1));
        return new Undo(() => NativeMethods.Check(NativeMethods.om_set_tf32(0)));
    }

    private sealed class Undo(Action action) : IDisposable
    {
        private Action? pending = action;

        public void Dispose() => Interlocked.Exchange(ref pending, null)?.Invoke();
    }
}

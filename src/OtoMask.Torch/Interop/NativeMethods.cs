using System.Runtime.InteropServices;

namespace OtoMask.Torch.Interop;

/// <summary>The C ABI of <c>native/otomask.h</c>. Every call returns 0, or 1 with a message in <see cref="LastError"/>.</summary>
internal static unsafe partial class NativeMethods
{
    private const string Library = "otomask";
    private const int Abi = 3;

    static NativeMethods()
    {
        // libgomp reads its settings when libtorch is loaded, from C's environment, which .NET's own setter does not reach.
        // Threads that spin while waiting starve the loaders and each other: 14.3 s instead of 1.3 s a step on 2 cores.
        _ = SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", 0);
        // But most waits here are microseconds long: looking a thousand times before going to sleep saves 7 % of a step.
        _ = SetEnvironment("GOMP_SPINCOUNT", "1000", 0);
        try
        {
            if (om_abi() != Abi)
                throw new TorchException($"libotomask.so speaks ABI {om_abi()}, this program {Abi}: rebuild with `dotnet build`");
        }
        catch (DllNotFoundException missing)
        {
            throw new TorchException("libtorch or the bridge to it cannot be loaded; install Debian's libtorch-dev (or set LIBTORCH) "
                + $"and rebuild with `dotnet build`: {missing.Message.ReplaceLineEndings(" ")}");
        }
        // libtorch counts physical cores, which on a virtual machine may be fewer than those it was given.
        if (Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is null or "")
            Check(om_set_threads(Environment.ProcessorCount));
        Check(om_kernels(out _, out int best));
        Check(om_use_kernels((int)KernelSetting.Read((KernelSet)best)));
    }

    /// <summary>Turns a failed call into a <see cref="TorchException"/>.</summary>
    public static void Check(int status)
    {
        if (status != 0)
            throw new TorchException(LastError());
    }

    private static string LastError() => Marshal.PtrToStringUTF8(om_last_error()) ?? "unknown native failure";

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport(Library)]
    private static partial int om_abi();

    [LibraryImport(Library)]
    private static partial nint om_last_error();

    [LibraryImport(Library)]
    public static partial int om_describe(out nint text);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_find(string name, string overload, out nint op);

    [LibraryImport(Library)]
    public static partial int om_call(nint op, NativeValue* arguments, int count, NativeValue* results, int capacity, out int produced);

    [LibraryImport(Library)]
    public static partial int om_free(nint tensor);

    [LibraryImport(Library)]
    public static partial int om_from_memory(void* data, long* sizes, int dims, int dtype, out nint tensor);

    [LibraryImport(Library)]
    public static partial int om_to_memory(nint tensor, void* data, long bytes);

    [LibraryImport(Library)]
    public static partial int om_data(nint tensor, out nint data);

    [LibraryImport(Library)]
    public static partial int om_sizes(nint tensor, long* sizes, int capacity, out int dims);

    [LibraryImport(Library)]
    public static partial int om_kind(nint tensor, out int dtype, out int device);

    [LibraryImport(Library)]
    public static partial int om_backward(nint loss);

    [LibraryImport(Library)]
    public static partial int om_grad(nint tensor, out nint gradient);

    [LibraryImport(Library)]
    public static partial int om_set_grad(nint tensor, nint gradient);

    [LibraryImport(Library)]
    public static partial int om_set_grad_mode(int enabled, out int previous);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_set_autocast(string device, int enabled, int dtype);

    [LibraryImport(Library)]
    public static partial int om_set_threads(int count);

    [LibraryImport(Library)]
    public static partial int om_threads(out int count);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_device_count(string device, out int count);

    [LibraryImport(Library)]
    public static partial int om_kernels(out int inUse, out int best);

    [LibraryImport(Library)]
    public static partial int om_use_kernels(int set);
}

/// <summary>One argument or result as it crosses the bridge (16 bytes, <c>om_value</c>).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct NativeValue
{
    [FieldOffset(0)] public ValueTag Tag;
    [FieldOffset(4)] public int Count;
    [FieldOffset(8)] public nint Pointer;
    [FieldOffset(8)] public long Integer;
    [FieldOffset(8)] public double Number;
}

/// <summary>What a <see cref="NativeValue"/> holds (<c>om_tag</c>).</summary>
internal enum ValueTag
{
    None = 0,
    Tensor = 1,
    Int = 2,
    Double = 3,
    Bool = 4,
    IntList = 5,
    TensorList = 6,
    String = 7,
}

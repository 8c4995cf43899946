using System.Runtime.InteropServices;

namespace OtoMask.Torch.Interop;

/// <summary>The C ABI of <c>native/otomask.h</c>. Every call returns 0, or 1 with a message in <see cref="LastError"/>.</summary>
internal static unsafe partial class NativeMethods
{
    public const string Library = "otomask";

    // What a static constructor throws reaches callers wrapped, and only once as what it was; what the resolver throws reaches them as it is.
    static NativeMethods() => NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, (name, _, _) => name == Library ? Bridge.Load() : 0);

    /// <summary>Turns a failed call into a <see cref="TorchException"/>.</summary>
    public static void Check(int status)
    {
        if (status != 0)
            throw new TorchException(LastError());
    }

    private static string LastError() => Marshal.PtrToStringUTF8(om_last_error()) ?? "unknown native failure";

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetEnvironment(string name, string value, int overwrite);

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

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_send(NativeArray* arrays, int count, string device, nint* tensors);

    [LibraryImport(Library)]
    public static partial int om_to_memory(nint tensor, void* data, long bytes);

    [LibraryImport(Library)]
    public static partial int om_data(nint tensor, out nint data);

    [LibraryImport(Library)]
    public static partial int om_sizes(nint tensor, long* sizes, int capacity, out int dims);

    [LibraryImport(Library)]
    public static partial int om_dtype(nint tensor, out int dtype);

    [LibraryImport(Library)]
    public static partial int om_device(nint tensor, out nint name);

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

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_has_autocast(string device, out int has);

    [LibraryImport(Library)]
    public static partial int om_set_threads(int count);

    [LibraryImport(Library)]
    public static partial int om_threads(out int count);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_device_count(string device, out int count);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_synchronize(string device);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_peak_memory(string device, out long bytes);

    [LibraryImport(Library)]
    public static partial int om_set_tf32(int allowed);

    [LibraryImport(Library)]
    public static partial int om_kernels(out int inUse, out int best);

    [LibraryImport(Library)]
    public static partial int om_use_kernels(int set);

    [LibraryImport(Library)]
    public static partial int om_multiplies_pairs(out int pairs);

    [LibraryImport(Library)]
    public static partial int om_multiply_pairs(int pairs);

    [LibraryImport(Library)]
    public static partial int om_has_amx(out int has);

    [LibraryImport(Library)]
    public static partial int om_leave_bf16_to_aten(int leave);

    [LibraryImport(Library)]
    public static partial int om_when_differentiated(nint tensor, delegate* unmanaged[Cdecl]<nint, int, void> reached, nint context, int index, out int watched);

    [LibraryImport(Library)]
    public static partial int om_backends(out nint names);

    [LibraryImport(Library)]
    public static partial int om_group_open(in NativeGroupOptions options, out nint group);

    [LibraryImport(Library)]
    public static partial int om_group_connect(ProcessGroupHandle group, in NativeGroupOptions options);

    [LibraryImport(Library)]
    public static partial int om_group_hang_up(ProcessGroupHandle group);

    [LibraryImport(Library)]
    public static partial int om_group_close(nint group);

    [LibraryImport(Library)]
    public static partial int om_sum(ProcessGroupHandle group, nint tensor, out nint work);

    [LibraryImport(Library)]
    public static partial int om_await(nint work);

    [LibraryImport(Library)]
    public static partial int om_broadcast(ProcessGroupHandle group, nint tensor, int from);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_store_set(ProcessGroupHandle group, string key, string text);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_store_add(ProcessGroupHandle group, string key, long amount, out long value);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int om_store_get(ProcessGroupHandle group, string key, out nint text);
}

/// <summary>How a process finds the others (<c>om_group_options</c>); texts are UTF-8.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeGroupOptions
{
    public nint Backend, File, Host, Prefix, Interface, Address;
    public int Port, HostsStore, Loopback, Rank, Size, FormMilliseconds, TimeoutMilliseconds;
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

/// <summary>Values of the host on their way to a device (<c>om_array</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeArray
{
    public void* Data;
    public long* Sizes;
    public int Dimensions;
    public int DType;
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

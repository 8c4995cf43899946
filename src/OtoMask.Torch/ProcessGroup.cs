using System.Globalization;
using System.Runtime.InteropServices;
using OtoMask.Torch.Interop;

namespace OtoMask.Torch;

/// <summary>How a process finds those that it is to train with.</summary>
/// <param name="Rank">Its number, from 0.</param>
/// <param name="Size">How many they are.</param>
internal sealed record ProcessGroupOptions(int Rank, int Size)
{
    /// <summary><c>gloo</c>, or <c>nccl</c> for what lies on CUDA devices.</summary>
    public string Backend { get; init; } = "gloo";

    /// <summary>The store is this file, which all of them can reach on one machine; null = it is at <see cref="Host"/>.</summary>
    public string? StoreFile { get; init; }

    /// <summary>Where the store listens.</summary>
    public string? Host { get; init; }

    /// <summary>At which port.</summary>
    public int Port { get; init; }

    /// <summary>Whether it listens in this process.</summary>
    public bool HostsStore { get; init; }

    /// <summary>Whether it is to hear this machine alone.</summary>
    public bool IsLoopback { get; init; }

    /// <summary>Put before every key in the store, which may hold others'.</summary>
    public string Prefix { get; init; } = "otomask";

    /// <summary>The network interface to listen on; null = the one that has <see cref="Address"/>.</summary>
    public string? Interface { get; init; }

    /// <summary>The address of this machine to listen at.</summary>
    public string Address { get; init; } = "127.0.0.1";

    /// <summary>For all to come.</summary>
    public TimeSpan FormTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For anything that all do together.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>Processes that train together, by torch.distributed (c10d). What is asked of it is done in the order in which it is asked, which must be the same in all of them.</summary>
/// <remarks>Of a tensor on a device that the backend does not know, a copy travels. Disposed while a thread still asks the store, it goes when that thread has its answer.</remarks>
internal sealed unsafe class ProcessGroup : IDisposable
{
    private readonly ProcessGroupOptions options;
    private readonly ProcessGroupHandle group;

    private ProcessGroup(ProcessGroupHandle group, ProcessGroupOptions options) => (this.group, this.options) = (group, options);

    /// <summary>What this libtorch and this build have: <c>gloo</c>, <c>nccl</c>, or nothing.</summary>
    public static IReadOnlyList<string> Backends
    {
        get
        {
            NativeMethods.Check(NativeMethods.om_backends(out nint names));
            return Marshal.PtrToStringUTF8(names)!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    /// <summary>Number of this process, from 0.</summary>
    public int Rank => options.Rank;

    /// <summary>How many there are.</summary>
    public int Size => options.Size;

    /// <summary>Opens the store and waits there until all have come. Before <see cref="Connect"/> that is all they can do together.</summary>
    /// <exception cref="TorchException">Some did not come (<c>missing 1, 3</c>), or the store does not answer or cannot listen.</exception>
    public static ProcessGroup Open(ProcessGroupOptions options) => new(With(options, native =>
    {
        NativeMethods.Check(NativeMethods.om_group_open(native, out nint group));
        return new ProcessGroupHandle(group);
    }), options);

    /// <summary>Connects all with each other.</summary>
    /// <exception cref="TorchException">One of them is gone.</exception>
    public void Connect() => With(options, native =>
    {
        NativeMethods.Check(NativeMethods.om_group_connect(group, native));
        return true;
    });

    /// <summary>Ends the connections with the others, who then need not wait for what this process will not do. The store can still be asked.</summary>
    public void HangUp() => NativeMethods.Check(NativeMethods.om_group_hang_up(group));

    /// <summary>Begins to sum a tensor over all processes, in place. Nobody may touch it before <see cref="PendingSum.Wait"/>.</summary>
    /// <param name="tensor">Contiguous, of the same shape and type in all of them; bfloat16 is summed in float32.</param>
    public PendingSum BeginSum(Tensor tensor)
    {
        NativeMethods.Check(NativeMethods.om_sum(group, tensor.Handle.Raw, out nint work));
        GC.KeepAlive(tensor);
        return new PendingSum(work);
    }

    /// <summary>Overwrites a tensor by what it is in one process.</summary>
    /// <param name="tensor">Contiguous, of the same shape and type in all of them.</param>
    /// <param name="from">Number of that process.</param>
    public void Broadcast(Tensor tensor, int from)
    {
        NativeMethods.Check(NativeMethods.om_broadcast(group, tensor.Handle.Raw, from));
        GC.KeepAlive(tensor);
    }

    /// <summary>Puts a text where all can see it.</summary>
    public void Set(string key, string text) => NativeMethods.Check(NativeMethods.om_store_set(group, key, text));

    /// <summary>Adds to a counter that all can see; one that nobody has set is 0.</summary>
    /// <returns>What it is then.</returns>
    public long Add(string key, long amount)
    {
        NativeMethods.Check(NativeMethods.om_store_add(group, key, amount, out long value));
        return value;
    }

    /// <summary>A text that somebody has put there; null where nobody has.</summary>
    public string? Get(string key)
    {
        NativeMethods.Check(NativeMethods.om_store_get(group, key, out nint text));
        return Marshal.PtrToStringUTF8(text);
    }

    /// <summary>A counter, without adding to it.</summary>
    public long Count(string key) => Get(key) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : 0;

    /// <inheritdoc/>
    public void Dispose() => group.Dispose();

    private static T With<T>(ProcessGroupOptions options, Func<NativeGroupOptions, T> use)
    {
        nint Text(string? text) => Marshal.StringToCoTaskMemUTF8(text);
        NativeGroupOptions native = new()
        {
            Backend = Text(options.Backend),
            File = Text(options.StoreFile),
            Host = Text(options.Host),
            Prefix = Text(options.Prefix),
            Interface = Text(options.Interface),
            Address = Text(options.Address),
            Port = options.Port,
            HostsStore = options.HostsStore ? 1 : 0,
            Loopback = options.IsLoopback ? 1 : 0,
            Rank = options.Rank,
            Size = options.Size,
            FormMilliseconds = (int)options.FormTimeout.TotalMilliseconds,
            TimeoutMilliseconds = (int)options.Timeout.TotalMilliseconds,
        };
        try
        {
            return use(native);
        }
        finally
        {
            foreach (nint text in (nint[])[native.Backend, native.File, native.Host, native.Prefix, native.Interface, native.Address])
                Marshal.FreeCoTaskMem(text);
        }
    }
}

/// <summary>A sum over all processes that has begun.</summary>
internal sealed class PendingSum
{
    private nint work;

    internal PendingSum(nint work) => this.work = work;

    /// <summary>Waits until it is there.</summary>
    /// <exception cref="TorchException">Another process is gone, or took too long.</exception>
    public void Wait() => NativeMethods.Check(NativeMethods.om_await(Interlocked.Exchange(ref work, 0)));
}

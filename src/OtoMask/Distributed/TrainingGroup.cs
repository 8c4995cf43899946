using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using OtoMask.Torch;

namespace OtoMask.Distributed;

/// <summary>How processes that train together find and treat each other.</summary>
public sealed record GroupOptions
{
    /// <summary><c>gloo</c>, <c>nccl</c> (between CUDA devices), or <c>auto</c>: nccl where the device is one and this build has it.</summary>
    public string Backend { get; init; } = "auto";

    /// <summary>How long anything that all do together may take before one of them counts as gone.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long all may take to come.</summary>
    public TimeSpan FormTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The backend between processes that compute on a device.</summary>
    /// <exception cref="UserErrorException">This build has none, or not the one asked for, or that one does not join such devices.</exception>
    internal string RequireBackend(Device device) => RequireBackend(device, ProcessGroup.Backends);

    /// <summary>The same for a build that knows certain backends.</summary>
    internal string RequireBackend(Device device, IReadOnlyList<string> known)
    {
        if (known.Count == 0)
            throw new UserErrorException("this build knows no other processes: install gloo's headers (apt-get install libgloo-dev) and build again, with a libtorch that has gloo");
        bool isCuda = device.Name.StartsWith("cuda", StringComparison.Ordinal);
        string backend = Backend != "auto" ? Backend : isCuda && known.Contains("nccl") ? "nccl" : "gloo";
        if (!known.Contains(backend))
            throw new UserErrorException($"`backend` {Backend}: this build has {string.Join(" and ", known)}; choose that, or auto");
        if (backend != "nccl")
            return backend;
        if (!isCuda)
            throw new UserErrorException($"`backend` nccl joins CUDA devices, and this is to compute on {device.Name}; choose gloo, or auto");
        _ = Devices.Find(device.Name); // where there is none NCCL would refuse, in words of its own and once the processes have met
        return backend;
    }
}

/// <summary>
/// The processes that train one model together, each on its share of every batch, as torch.distributed's data parallelism does. What is random follows from the run's
/// seed and not from who draws it, so they train what one process would, to rounding.
/// </summary>
/// <remarks>Every process calls the same methods in the same order. Alone, they cost nothing.</remarks>
public sealed class TrainingGroup : IDisposable
{
    private const string ToldKey = "first";
    private readonly RankPlace? place;
    private readonly ProcessGroup? processes;
    private readonly Presence? presence;
    private long told;

    private TrainingGroup(RankPlace? place, ProcessGroup? processes)
    {
        (this.place, this.processes) = (place, processes);
        presence = processes is null ? null : new Presence(processes, place!);
    }

    /// <summary>A process that trains by itself.</summary>
    public static TrainingGroup Alone { get; } = new(null, null);

    /// <summary>Number of this process, from 0.</summary>
    public int Rank => place?.Rank ?? 0;

    /// <summary>How many processes there are.</summary>
    public int Size => place?.Size ?? 1;

    /// <summary>Whether this is the first process, which writes the run and speaks for all.</summary>
    public bool IsFirst => Rank == 0;

    /// <summary>Whether there is no other.</summary>
    public bool IsAlone => processes is null;

    /// <summary>How many of the processes are on this machine.</summary>
    public int LocalSize => place?.LocalSize ?? 1;

    /// <summary>Cores of this machine that are this process's share.</summary>
    internal int Cores => place?.Cores ?? Environment.ProcessorCount;

    /// <summary>Joins the processes that torchrun, SLURM, Open MPI or <c>otomask --processes</c> started together, as the environment tells; alone where it tells of none.</summary>
    /// <param name="options">How.</param>
    /// <param name="device">Where this process computes.</param>
    /// <exception cref="UserErrorException">The environment says what cannot be, or the port of the store is in use.</exception>
    /// <exception cref="PeerException">Others did not come in time, or the store does not answer.</exception>
    public static TrainingGroup Join(GroupOptions options, Device device) =>
        Launchers.Find(Environment.GetEnvironmentVariable) is { } place ? Join(place, options, device) : Alone;

    /// <summary>Joins the others.</summary>
    internal static TrainingGroup Join(RankPlace place, GroupOptions options, Device device)
    {
        string backend = options.RequireBackend(device);
        ProcessGroupOptions open = new(place.Rank, place.Size)
        {
            Backend = backend,
            StoreFile = place.StoreFile,
            Host = place is { IsOneMachine: true, LauncherHoldsStore: false } ? "127.0.0.1" : place.Host, // where it listens then
            Port = place.Port,
            HostsStore = place is { Rank: 0, StoreFile: null, LauncherHoldsStore: false },
            IsLoopback = place.IsOneMachine,
            Prefix = $"otomask/{place.Attempt}",
            Interface = Environment.GetEnvironmentVariable("GLOO_SOCKET_IFNAME") is { Length: > 0 } name ? name : null,
            Address = place.IsOneMachine ? "127.0.0.1" : AddressTowards(place),
            FormTimeout = options.FormTimeout,
            Timeout = options.Timeout,
        };
        TrainingGroup group;
        try
        {
            group = new TrainingGroup(place, ProcessGroup.Open(open));
        }
        catch (TorchException failure) when (failure is not TorchLoadException)
        {
            throw Explained(failure, open, place);
        }
        try
        {
            group.Together(() => { group.processes!.Connect(); return true; });
            return group;
        }
        catch (PeerException failure)
        {
            group.Leave(failure);
            group.Dispose();
            throw;
        }
    }

    /// <summary>What of a batch this process makes: places in it, from the first on.</summary>
    /// <param name="batch">Clips of the whole batch.</param>
    /// <exception cref="UserErrorException">There are more processes than clips.</exception>
    internal (int First, int Count) Share(int batch)
    {
        if (batch < Size)
            throw new UserErrorException($"a `batch` of {batch} clips cannot be shared by {Size} processes; give each at least one");
        return (FirstOf(batch, Rank), FirstOf(batch, Rank + 1) - FirstOf(batch, Rank));
    }

    /// <summary>What of some things is this process's share, which may be nothing.</summary>
    internal T[] Mine<T>(T[] things) => things[FirstOf(things.Length, Rank)..FirstOf(things.Length, Rank + 1)];

    /// <summary>Where this process computes: of devices of a kind alone (<c>cuda</c>), each on a machine takes one of its own.</summary>
    internal Device DeviceOf(string asked) =>
        Devices.Find(place is null || asked.Contains(':') || new Device(asked).IsCpu ? asked : $"{asked}:{place.LocalRank}");

    /// <summary>Begins to sum a tensor over all processes, in place; null where there is nothing to wait for.</summary>
    internal PendingSum? BeginSum(Tensor tensor) => processes is null ? null : Together(() => processes.BeginSum(tensor));

    /// <summary>Waits for a sum.</summary>
    internal void Wait(PendingSum? sum) => Together(() => { sum?.Wait(); return true; });

    /// <summary>Sums a tensor over all processes, in place.</summary>
    internal void Sum(Tensor tensor) => Wait(BeginSum(tensor));

    /// <summary>Sums numbers over all processes, in place.</summary>
    internal void Sum(double[] numbers)
    {
        if (IsAlone || numbers.Length == 0)
            return;
        using var scope = new TensorScope();
        Tensor tensor = Tensor.From(numbers, numbers.Length);
        Sum(tensor);
        tensor.ToArray<double>().CopyTo(numbers, 0);
    }

    /// <summary>What every process says, by rank.</summary>
    internal string[] Gather(string mine) => IsAlone ? [mine] : [.. Gather(Encoding.UTF8.GetBytes(mine)).Select(Encoding.UTF8.GetString)];

    /// <summary>What all processes have, one after the other by rank.</summary>
    internal T[] Joined<T>(T[] mine) where T : unmanaged =>
        IsAlone ? mine : [.. Gather(MemoryMarshal.AsBytes(mine.AsSpan()).ToArray()).SelectMany(bytes => MemoryMarshal.Cast<byte, T>(bytes).ToArray())];

    private byte[][] Gather(byte[] bytes)
    {
        double[] lengths = new double[Size];
        lengths[Rank] = bytes.Length;
        Sum(lengths);
        int longest = Math.Max(1, (int)lengths.Max());
        byte[] all = new byte[Size * longest];
        bytes.CopyTo(all, Rank * longest);
        using var scope = new TensorScope();
        Tensor tensor = Tensor.From(all, all.Length); // everybody else has zeros there
        Sum(tensor);
        all = tensor.ToArray<byte>();
        return [.. Enumerable.Range(0, Size).Select(rank => all[(rank * longest)..(rank * longest + (int)lengths[rank])])];
    }

    /// <summary>What the first process says.</summary>
    /// <param name="byFirst">Asked there alone; null is told as null.</param>
    internal string? Told(Func<string?> byFirst)
    {
        if (IsAlone)
            return byFirst();
        string said = Gather(IsFirst ? byFirst() is { } text ? "+" + text : "-" : "")[0];
        return said[0] == '+' ? said[1..] : null;
    }

    /// <summary>A number that the first process says.</summary>
    /// <param name="byFirst">Asked there alone.</param>
    internal long ToldNumber(Func<long> byFirst) => long.Parse(Told(() => byFirst().ToString(CultureInfo.InvariantCulture))!, CultureInfo.InvariantCulture);

    /// <summary>Has the first process do something, for as long as it takes, while the others wait for it.</summary>
    /// <exception cref="PeerException">It is gone.</exception>
    internal void DoneByFirst(Action work)
    {
        told++;
        if (IsFirst)
            work();
        if (processes is null)
            return;
        Together(() =>
        {
            if (IsFirst)
                processes.Add(ToldKey, 1);
            else
                presence!.WaitForFirst(ToldKey, told);
            return true;
        });
    }

    /// <summary>Overwrites a tensor by that of the first process.</summary>
    internal void TakeFromFirst(Tensor tensor) => Together(() => { processes?.Broadcast(tensor, from: 0); return true; });

    /// <summary>Refuses processes that would not compute the same.</summary>
    /// <param name="what">What is compared, for the message.</param>
    /// <param name="mine">What this process has.</param>
    /// <exception cref="UserErrorException">Another one has something else.</exception>
    internal void RequireAlike(string what, string mine)
    {
        string[] all = Gather(mine);
        if (Array.FindIndex(all, one => one != all[0]) is > 0 and var other)
            throw new UserErrorException($"rank {other} has another {what} than rank 0 ({Short(all[other], all[0])} and {Short(all[0], all[other])}); start all with the same");
    }

    /// <summary>Says why this process ends before the others do. They tell it, and end as well.</summary>
    /// <param name="cause">Why.</param>
    public void Leave(Exception cause)
    {
        presence?.Leave(
            cause switch { PeerException => null, OperationCanceledException => "it was asked to stop", OutOfMemoryException => "not enough memory", _ => OneLine.Of(cause.Message) },
            isUserError: cause is UserErrorException);
        if (cause is not PeerException)
            processes?.HangUp();
        presence?.SeeOthersOff();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (IsAlone)
            return;
        presence!.End();
        processes!.Dispose();
    }

    /// <summary>The first of so many things that is a process's.</summary>
    private int FirstOf(int things, int rank) => (int)((long)things * rank / Size);

    private T Together<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (TorchException failure) when (processes is not null)
        {
            throw presence!.Explain(failure);
        }
    }

    /// <summary>The address that this machine has towards the first process's.</summary>
    private static string AddressTowards(RankPlace place)
    {
        try
        {
            using var socket = new Socket(Dns.GetHostAddresses(place.Host)[0].AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(place.Host, place.Port); // sends nothing
            return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
        }
        catch (Exception error) when (error is SocketException or IndexOutOfRangeException)
        {
            throw new UserErrorException($"the machine of rank 0, {place.Host}, cannot be found ({error.Message}); correct MASTER_ADDR", error);
        }
    }

    private static Exception Explained(TorchException failure, ProcessGroupOptions options, RankPlace place)
    {
        string seconds = $"{options.FormTimeout.TotalSeconds:0} s";
        const string Missing = "missing ";
        if (failure.Message.StartsWith(Missing, StringComparison.Ordinal))
            return new PeerException($"rank {failure.Message[Missing.Length..]} of {place.Size} did not come within {seconds}; look at what became of it, or start it", failure);
        if (options.HostsStore && (failure.Message.Contains("EADDRINUSE", StringComparison.Ordinal) || failure.Message.Contains("already in use", StringComparison.Ordinal)))
            return new UserErrorException($"port {place.Port} is in use by another program, or an earlier run; set MASTER_PORT to a free one", failure);
        return new PeerException($"no store answers at {place.Store} within {seconds} ({OneLine.Of(failure.Message)}); does rank 0 run there, and are MASTER_ADDR and MASTER_PORT right?", failure);
    }

    /// <summary>Of two texts that differ, the first line that does.</summary>
    private static string Short(string text, string other)
    {
        string[] lines = text.Split('\n'), others = other.Split('\n');
        return lines.Where((line, i) => i >= others.Length || line != others[i]).FirstOrDefault("nothing").Trim();
    }
}

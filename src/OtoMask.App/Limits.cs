using System.Globalization;
using System.Runtime.CompilerServices;
using OtoMask.Torch;

namespace OtoMask.App;

/// <summary>What the operator allows this process (<c>ulimit</c>, cgroups, an output). Too little is told at the start: later the runtime and the
/// libraries abort with a stack, spin for ever in silence, or wait for a thread that never comes.</summary>
/// <remarks>Uses little but the core of the runtime, as <see cref="KernelFile"/> does: another assembly is another open file.</remarks>
internal static class Limits
{
    private const long FewestFiles = 128, FewestThreads = 32, ThreadsPerCore = 4, LeastAddresses = 8_000_000_000, LeastMemory = 100_000_000;

    /// <summary>Bytes of address space (<c>ulimit -v</c>); null where there is no limit.</summary>
    public static long? Addresses => OfProcess("Max address space");

    /// <summary>Open files (<c>ulimit -n</c>); null where there is no limit.</summary>
    public static long? Files => OfProcess("Max open files");

    /// <summary>Threads of this user (<c>ulimit -u</c>, which does not bind root) or of this process's cgroups, whichever is less; null where there is no limit.</summary>
    public static long? Threads => (Environment.IsPrivilegedProcess ? null : OfProcess("Max processes"), ControlGroups.Least("pids", "pids.max", "pids.max")) switch
    {
        ({ } user, { } group) => Math.Min(user, group),
        var (user, group) => user ?? group,
    };

    /// <summary>Bytes of memory of this process's cgroups; null where there is no limit.</summary>
    public static long? Memory => ControlGroups.Least("memory", "memory.max", "memory.limit_in_bytes");

    /// <summary>What is too little, one line; null where all suffices.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static string? Problem()
    {
        long threads = FewestThreads + ThreadsPerCore * Environment.ProcessorCount;
        if (Files < FewestFiles)
            return $"{Text(Files)} open files are too few; allow at least {Text(FewestFiles)} (ulimit -n)";
        if (Threads < threads)
            return $"{Text(Threads)} processes and threads are too few; allow at least {Text(threads)} (ulimit -u, or pids.max of the cgroup)";
        if (Memory < LeastMemory)
            return $"{Text(Memory / 1_000_000)} MB of memory are too few for libtorch; allow at least {Text(LeastMemory / 1_000_000)} MB (memory.max of the cgroup)";
        if (Addresses < LeastAddresses)
            return $"{Text(Addresses / 1_000_000)} MB of address space are too few for libtorch; allow at least {Text(LeastAddresses / 1_000_000)} MB (ulimit -v), or limit memory by a cgroup instead";
        return HasOutput() ? null : "standard output is closed; send it somewhere, for example to /dev/null";
    }

    /// <summary>Whether standard output can be written. Where it was closed, the runtime has opened some file of its own, to read, in its place.</summary>
    private static bool HasOutput()
    {
        const int AccessMode = 3, ReadOnly = 0;
        string[] lines = KernelFile.Lines("/proc/self/fdinfo/1");
        if (lines.Length == 0)
            return !Directory.Exists("/proc/self/fdinfo");
        foreach (string line in lines)
        {
            if (line.StartsWith("flags:", StringComparison.Ordinal))
                return ((line[^1] - '0') & AccessMode) != ReadOnly; // octal
        }
        return true;
    }

    private static long? OfProcess(string name) => KernelFile.Number("/proc/self/limits", name);

    private static string Text(long? number) => number!.Value.ToString(CultureInfo.InvariantCulture);
}

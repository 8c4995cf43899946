using System.Globalization;
using System.Runtime.CompilerServices;

namespace OtoMask.App;

/// <summary>What the operator allows this process (<c>ulimit</c>, cgroups, an output). Too little is told at the start: later the runtime and the
/// libraries abort with a stack, spin for ever in silence, or wait for a thread that never comes.</summary>
/// <remarks>Uses little but the core of the runtime: another assembly is another open file.</remarks>
internal static class Limits
{
    private const long FewestFiles = 128, FewestThreads = 32, ThreadsPerCore = 4, LeastAddresses = 8_000_000_000, LeastMemory = 100_000_000;

    /// <summary>Bytes of address space (<c>ulimit -v</c>); null where there is no limit.</summary>
    public static long? Addresses => OfProcess("Max address space");

    /// <summary>Open files (<c>ulimit -n</c>); null where there is no limit.</summary>
    public static long? Files => OfProcess("Max open files");

    /// <summary>Threads of this user (<c>ulimit -u</c>, which does not bind root) or of this cgroup, whichever is less; null where there is no limit.</summary>
    public static long? Threads => (Environment.IsPrivilegedProcess ? null : OfProcess("Max processes"), OfCgroup("pids", "pids.max", "pids.max")) switch
    {
        ({ } user, { } group) => Math.Min(user, group),
        var (user, group) => user ?? group,
    };

    /// <summary>Bytes of memory of this cgroup; null where there is no limit.</summary>
    public static long? Memory => OfCgroup("memory", "memory.max", "memory.limit_in_bytes");

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
        string[] lines = Lines("/proc/self/fdinfo/1");
        if (lines.Length == 0)
            return !Directory.Exists("/proc/self/fdinfo");
        foreach (string line in lines)
        {
            if (line.StartsWith("flags:", StringComparison.Ordinal))
                return ((line[^1] - '0') & AccessMode) != ReadOnly; // octal
        }
        return true;
    }

    private static long? OfProcess(string name)
    {
        foreach (string line in Lines("/proc/self/limits"))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
                return Number(line[name.Length..].Trim().Split(' ')[0]);
        }
        return null;
    }

    /// <summary>A limit of the cgroup of this process, from a file of version 2 or of version 1.</summary>
    private static long? OfCgroup(string controller, string file, string fileOfVersion1)
    {
        foreach (string line in Lines("/proc/self/cgroup"))
        {
            if (line.Split(':', 3) is not [_, var controllers, var group] || (controllers.Length > 0 && controllers != controller))
                continue;
            (string root, string name) = controllers.Length == 0 ? ("/sys/fs/cgroup", file) : ($"/sys/fs/cgroup/{controller}", fileOfVersion1);
            foreach (string folder in (string[])[root + group.TrimEnd('/'), root]) // a container sees its own group as the root
            {
                if (Lines($"{folder}/{name}") is [var most, ..])
                    return Number(most);
            }
        }
        return null;
    }

    /// <summary>A number; null for <c>unlimited</c> and <c>max</c>.</summary>
    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    private static string Text(long? number) => number!.Value.ToString(CultureInfo.InvariantCulture);

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return []; // not Linux, or not for us to see: no limit that we know of
        }
    }
}

namespace OtoMask.Torch;

/// <summary>What Linux says of the memory that this process can still have.</summary>
internal static class HostMemory
{
    /// <summary>Bytes that can still be had, swap included, before the system kills somebody: of the machine, and of every control group this process is in;
    /// null where there is no /proc to tell.</summary>
    public static long? Available => AvailableBy(ControlGroups.Proc, ControlGroups.Root);

    /// <param name="proc">Where the kernel tells of processes.</param>
    /// <param name="groups">Where it tells of control groups.</param>
    internal static long? AvailableBy(string proc, string groups)
    {
        string machine = Path.Combine(proc, "meminfo");
        if (KernelFile.Number(machine, "MemAvailable:") is not { } free)
            return null;
        long swap = (KernelFile.Number(machine, "SwapFree:") ?? 0) * 1024, all = free * 1024 + swap;
        foreach (string group in ControlGroups.FoldersOf("memory", proc, groups))
            all = Math.Min(all, LeftIn(group, swap) ?? long.MaxValue);
        return Math.Max(0, all);
    }

    /// <summary>What is left of a group's limit, null where it has none. Pages of files count as free: they are given up before anybody is killed.</summary>
    private static long? LeftIn(string group, long swap)
    {
        long? Number(string name) => KernelFile.Number(Path.Combine(group, name));
        if (Number("memory.max") is { } limit && Number("memory.current") is { } used)
            return limit - used + FilesIn(group, "") + Math.Min(swap, Number("memory.swap.max") ?? swap);
        if (Number("memory.limit_in_bytes") is { } oldLimit && Number("memory.usage_in_bytes") is { } oldUsed && oldLimit < long.MaxValue / 2)
            return oldLimit - oldUsed + FilesIn(group, "total_") + swap;
        return null;
    }

    private static long FilesIn(string group, string prefix)
    {
        string statistics = Path.Combine(group, "memory.stat");
        return (KernelFile.Number(statistics, $"{prefix}inactive_file ") ?? 0) + (KernelFile.Number(statistics, $"{prefix}active_file ") ?? 0);
    }
}

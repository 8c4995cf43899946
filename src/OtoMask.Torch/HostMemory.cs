using System.Globalization;

namespace OtoMask.Torch;

/// <summary>What Linux says of the memory that this process can still have.</summary>
internal static class HostMemory
{
    /// <summary>Bytes that can still be had, swap included, before the system kills somebody: of the machine, and of every control group this process is in;
    /// null where there is no /proc to tell.</summary>
    public static long? Available => AvailableBy("/proc", "/sys/fs/cgroup");

    /// <param name="proc">Where the kernel tells of processes.</param>
    /// <param name="groups">Where it tells of control groups.</param>
    internal static long? AvailableBy(string proc, string groups)
    {
        if (Named(Path.Combine(proc, "meminfo"), "MemAvailable:") is not { } free)
            return null;
        long swap = (Named(Path.Combine(proc, "meminfo"), "SwapFree:") ?? 0) * 1024, all = free * 1024 + swap;
        foreach (string group in GroupsOf(proc, groups))
            all = Math.Min(all, LeftIn(group, swap) ?? long.MaxValue);
        return Math.Max(0, all);
    }

    /// <summary>The folders of this process's control groups for memory and of all groups above, of version 1 or 2.</summary>
    private static IEnumerable<string> GroupsOf(string proc, string groups)
    {
        foreach (string line in Lines(Path.Combine(proc, "self", "cgroup")))
        {
            if (line.Split(':', 3) is not [_, var controllers, var own])
                continue;
            string? root = controllers.Split(',').Contains("memory") ? Path.Combine(groups, "memory") : controllers.Length == 0 ? groups : null;
            if (root is null)
                continue;
            // In a container the group's own name may not be there; its root then is what the container sees.
            for (string? folder = own.Trim('/'); folder is not null; folder = folder.Length == 0 ? null : Path.GetDirectoryName(folder) ?? "")
                yield return Path.Combine(root, folder);
        }
    }

    /// <summary>What is left of a group's limit, null where it has none. Pages of files count as free: they are given up before anybody is killed.</summary>
    private static long? LeftIn(string group, long swap)
    {
        string Inside(string name) => Path.Combine(group, name);
        if (Number(Inside("memory.max")) is { } limit && Number(Inside("memory.current")) is { } used)
            return limit - used + FilesIn(group, "") + Math.Min(swap, Number(Inside("memory.swap.max")) ?? swap);
        if (Number(Inside("memory.limit_in_bytes")) is { } oldLimit && Number(Inside("memory.usage_in_bytes")) is { } oldUsed && oldLimit < long.MaxValue / 2)
            return oldLimit - oldUsed + FilesIn(group, "total_") + swap;
        return null;
    }

    private static long FilesIn(string group, string prefix)
    {
        string statistics = Path.Combine(group, "memory.stat");
        return (Named(statistics, $"{prefix}inactive_file ") ?? 0) + (Named(statistics, $"{prefix}active_file ") ?? 0);
    }

    /// <summary>The whole number that a file is; null where it is none, as the word <c>max</c>.</summary>
    private static long? Number(string file) => Lines(file) is [var only, ..] ? Parse(only) : null;

    /// <summary>The number behind a name at the beginning of a line.</summary>
    private static long? Named(string file, string name) =>
        Lines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line ? Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal)) : null;

    private static long? Parse(string text) => long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;

    private static string[] Lines(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return []; // a limit that may not be read cannot be heeded
        }
    }
}

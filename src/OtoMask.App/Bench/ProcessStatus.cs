using OtoMask.Torch;

namespace OtoMask.App.Bench;

/// <summary>What Linux says about this process and machine.</summary>
internal static class ProcessStatus
{
    /// <summary>Largest resident memory so far, bytes; 0 where there is no /proc.</summary>
    public static long PeakMemory => Bytes("/proc/self/status", "VmHWM:");

    /// <summary>Memory of the machine, bytes; 0 where there is no /proc.</summary>
    public static long MachineMemory => Bytes("/proc/meminfo", "MemTotal:");

    /// <summary>The processor's name; empty where there is no /proc.</summary>
    public static string Processor => KernelFile.Lines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
        ? line[(line.IndexOf(':') + 1)..].Trim()
        : "";

    /// <summary>Paths of the shared libraries loaded whose file name contains <paramref name="part"/>.</summary>
    public static IReadOnlyList<string> LoadedLibraries(string part) =>
        [.. KernelFile.Lines("/proc/self/maps")
            .Select(line => line.IndexOf('/') is var start and >= 0 ? line[start..] : "")
            .Where(path => Path.GetFileName(path).Contains(part, StringComparison.Ordinal))
            .Distinct()];

    private static long Bytes(string file, string name) => (KernelFile.Number(file, name) ?? 0) * 1024;
}

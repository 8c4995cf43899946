using System.Globalization;

namespace OtoMask.App.Bench;

/// <summary>What Linux says about this process and machine.</summary>
internal static class ProcessStatus
{
    /// <summary>Largest resident memory so far, bytes; 0 where there is no /proc.</summary>
    public static long PeakMemory => Kilobytes("/proc/self/status", "VmHWM:") * 1024;

    /// <summary>Memory of the machine, bytes; 0 where there is no /proc.</summary>
    public static long MachineMemory => Kilobytes("/proc/meminfo", "MemTotal:") * 1024;

    /// <summary>The processor's name; empty where there is no /proc.</summary>
    public static string Processor => Lines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
        ? line[(line.IndexOf(':') + 1)..].Trim()
        : "";

    /// <summary>Paths of the shared libraries loaded whose file name contains <paramref name="part"/>.</summary>
    public static IReadOnlyList<string> LoadedLibraries(string part) =>
        [.. Lines("/proc/self/maps")
            .Select(line => line.IndexOf('/') is var start and >= 0 ? line[start..] : "")
            .Where(path => Path.GetFileName(path).Contains(part, StringComparison.Ordinal))
            .Distinct()];

    private static long Kilobytes(string file, string key) =>
        Lines(file).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal)) is { } line
            ? long.Parse(line[key.Length..].Replace("kB", "").Trim(), CultureInfo.InvariantCulture)
            : 0;

    private static string[] Lines(string file) => File.Exists(file) ? File.ReadAllLines(file) : [];
}

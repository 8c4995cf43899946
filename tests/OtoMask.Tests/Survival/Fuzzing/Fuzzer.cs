using System.Globalization;
using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Tests.Interop;
using Xunit.Abstractions;

namespace OtoMask.Tests.Survival.Fuzzing;

/// <summary>
/// Gives a reader what may lie in the place of a file (<see cref="StrangePlace"/>), files with numbers at their ends, and one damaged file after the other. It may read one or refuse it in a line; it may not fail otherwise, take long, or allocate
/// what a header claims. Without a setting these are the same files on every machine, fast or slow; OTOMASK_FUZZ_SECONDS goes on so long with each
/// kind of file, OTOMASK_FUZZ_FROM is the number of the first.
/// </summary>
internal static class Fuzzer
{
    private const int Fewest = 2000;
    private const long MostAllocated = 64 << 20, MostAllocatedPerByte = 256;
    private static readonly TimeSpan LongestForOne = TimeSpan.FromMinutes(2); // other tests may take the processor meanwhile

    public static TimeSpan Time { get; } = TimeSpan.FromSeconds(Number("OTOMASK_FUZZ_SECONDS", 0));

    public static long First { get; } = (long)Number("OTOMASK_FUZZ_FROM", 0);

    /// <summary>Reads damaged files, and more until the time is up.</summary>
    /// <param name="seeds">Valid files.</param>
    /// <param name="name">What the files are called.</param>
    /// <param name="read">Reads a file.</param>
    /// <param name="output">Is told how many there were.</param>
    /// <param name="finish">Makes a file of the damaged bytes, such as one whose checksum is right; by default they are the file.</param>
    public static void Run(IReadOnlyList<byte[]> seeds, string name, Action<string> read, ITestOutputHelper output, Func<byte[], byte[]>? finish = null)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File(name);
        long number = First, refused = 0;
        DateTime started = DateTime.UtcNow, end = started + Time;
        Exception? failure = null;
        string what = "";
        bool ReadOne(byte[] damaged)
        {
            File.WriteAllBytes(path, finish?.Invoke(damaged) ?? damaged);
            return ReadOrRefuse(read, path, MostAllocated + MostAllocatedPerByte * new FileInfo(path).Length);
        }

        Assert.Contains(seeds, ReadOne);
        var worker = new Thread(() =>
        {
            try
            {
                foreach (StrangePlace place in StrangePlace.Of(finish?.Invoke(seeds[0]) ?? seeds[0]))
                {
                    (what, started) = (place.Name, DateTime.UtcNow);
                    StrangePlace.Remove(path);
                    place.Make(path);
                    ReadOrRefuse(read, path, mostAllocated: 2 * MostAllocated); // pickles are looked for in the first 64 MiB
                }
                StrangePlace.Remove(path);
                int ends = 0;
                foreach (byte[] withEnd in seeds.SelectMany(seed => Damage.EndsOf(seed, Fewest / seeds.Count)))
                {
                    (what, started) = ($"end value {ends++}", DateTime.UtcNow);
                    ReadOne(withEnd);
                }
                for (; DateTime.UtcNow < end || number - First < Fewest; number++)
                {
                    (what, started) = ($"number {number} (OTOMASK_FUZZ_FROM={number})", DateTime.UtcNow);
                    if (!ReadOne(Damage.Of(seeds, number)))
                        refused++;
                }
            }
            catch (Exception caught)
            {
                failure = caught;
                if (what.StartsWith("number", StringComparison.Ordinal))
                    File.Copy(path, Path.Combine(Path.GetTempPath(), $"otomask-fuzz-{number}-{name}"), overwrite: true);
            }
        })
        {
            IsBackground = true,
        };
        worker.Start();
        while (!worker.Join(TimeSpan.FromSeconds(1)))
            Assert.True(DateTime.UtcNow - started < LongestForOne, $"{what} of {name} hangs");

        output.WriteLine($"{number - First} files, {refused} refused");
        Assert.True(failure is null, $"{what} of {name} ({Path.GetTempPath()}otomask-fuzz-{number}-{name}): {failure}");
    }

    private static bool ReadOrRefuse(Action<string> read, string path, long mostAllocated)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        bool isRead = true;
        try
        {
            read(path);
        }
        catch (Exception refused) when (refused is UserErrorException or UnreadableAudioException or BadClipException)
        {
            Assert.DoesNotContain(refused.Message, char.IsControl);
            isRead = false;
        }
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, mostAllocated);
        return isRead;
    }

    private static double Number(string variable, double otherwise) =>
        double.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out double value) ? value : otherwise;
}

// A program of somebody else's, which uses the library and knows nothing of it: tests look at what becomes of its process.
// Each argument is something it does; each line of its output, what came of it.
using System.Runtime.InteropServices;
using OtoMask.Audio;
using OtoMask.Torch;

foreach (string what in args)
{
    try
    {
        Console.WriteLine($"{what}: {Do(what)}");
    }
    catch (Exception problem)
    {
        Console.WriteLine($"{what}: {problem.GetType().FullName}: {problem.Message}");
    }
}

static string Do(string what)
{
    switch (what)
    {
        case "environment": // as C sees it, and what is loaded later
            return string.Join(' ', ((string[])["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"]).Select(name => $"{name}={Marshal.PtrToStringUTF8(C.Variable(name))}"));
        case "tune":
            TorchRuntime.TuneProcess();
            return "done";
        case "torch":
            return TorchRuntime.Describe().Split('\n').Last(line => line.StartsWith("Allocator", StringComparison.Ordinal));
        case "tensor": // of 24 MiB: whether the system gave the block for itself, as glibc has it unless told otherwise
            nuint before = C.Allocator().BlocksOfTheirOwn;
            using (Tensor.From(new float[6 << 20], 6 << 20))
                return C.Allocator().BlocksOfTheirOwn > before ? "a block of its own" : "of the heap";
        case "busy": // threads that are within libtorch when the program ends
            for (int i = 0; i < 4; i++)
                new Thread(Compute) { IsBackground = true }.Start();
            Thread.Sleep(100);
            return "left to themselves";
        case "fail":
            Environment.ExitCode = 3;
            return "will";
        case "resample":
            return $"{AudioFile.ReadMono(new MemoryStream(Wav(8000)), 16000).Length} samples";
        case "wav":
            return $"{AudioFile.ReadMono(new MemoryStream(Wav(16000)), 16000).Length} samples";
        case "mp3":
            return $"{AudioFile.ReadMono(new MemoryStream([0xFF, 0xFB, 0x90, 0x00, .. new byte[500]]), 16000).Length} samples";
        default:
            return "unknown";
    }
}

static void Compute()
{
    float[] values = [.. Enumerable.Range(0, 4096).Select(i => (float)i)];
    while (true)
    {
        using Tensor a = Tensor.From(values, 64, 64), b = a.MatMul(a), c = F.LogSoftmax(b, -1);
    }
}

// A second of silence: RIFF header of 16-bit samples, one channel.
static byte[] Wav(int rate)
{
    using var bytes = new MemoryStream();
    using var writer = new BinaryWriter(bytes);
    writer.Write("RIFF"u8);
    writer.Write(36 + 2 * rate);
    writer.Write("WAVEfmt "u8);
    writer.Write(16);
    writer.Write((short)1);
    writer.Write((short)1);
    writer.Write(rate);
    writer.Write(2 * rate);
    writer.Write((short)2);
    writer.Write((short)16);
    writer.Write("data"u8);
    writer.Write(2 * rate);
    writer.Write(new byte[2 * rate]);
    return bytes.ToArray();
}

/// <summary>What .NET does not show of the process.</summary>
internal static partial class C
{
    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Variable(string name);

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    public static partial AllocatorState Allocator();

    /// <summary>struct mallinfo2 of glibc.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct AllocatorState
    {
        public nuint Arena, FreeBlocks, FastBlocks, BlocksOfTheirOwn, BytesOfThose, Most, FreeFast, Used, Free, Top;
    }
}

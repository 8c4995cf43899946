using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>Changes the sample rate of a mono stream by libsoxr at its high quality (linear phase, 20 bit).</summary>
internal sealed partial class Resampler : IDisposable
{
    private const string Library = "libsoxr.so.0";
    private readonly Soxr soxr;

    /// <exception cref="UserErrorException">libsoxr is not installed.</exception>
    public Resampler(int inputRate, int outputRate)
    {
        try
        {
            soxr = Create(inputRate, outputRate, channels: 1, out nint error, 0, 0, 0);
            Ensure(error);
        }
        catch (DllNotFoundException e)
        {
            throw new UserErrorException("libsoxr is missing; install it: apt-get install libsoxr0", e);
        }
    }

    /// <summary>Takes in samples and gives out those that are ready.</summary>
    /// <returns>How many of <paramref name="input"/> were taken, how many of <paramref name="output"/> are filled.</returns>
    public (int Taken, int Given) Process(ReadOnlySpan<float> input, Span<float> output)
    {
        Ensure(ProcessFloats(soxr, in MemoryMarshal.GetReference(input), (nuint)input.Length, out nuint taken,
            ref MemoryMarshal.GetReference(output), (nuint)output.Length, out nuint given));
        return ((int)taken, (int)given);
    }

    /// <summary>Gives out, after the last input, what is still held back; 0 when nothing is left.</summary>
    public int Drain(Span<float> output)
    {
        Ensure(DrainFloats(soxr, 0, 0, 0, ref MemoryMarshal.GetReference(output), (nuint)output.Length, out nuint given));
        return (int)given;
    }

    /// <inheritdoc/>
    public void Dispose() => soxr.Dispose();

    private static void Ensure(nint error)
    {
        if (error != 0)
            throw new InvalidOperationException($"libsoxr: {Marshal.PtrToStringUTF8(error)}");
    }

    [LibraryImport(Library, EntryPoint = "soxr_create")]
    private static partial Soxr Create(double inputRate, double outputRate, uint channels, out nint error, nint io, nint quality, nint runtime);

    [LibraryImport(Library, EntryPoint = "soxr_process")]
    private static partial nint ProcessFloats(Soxr soxr, ref readonly float input, nuint length, out nuint taken, ref float output, nuint capacity, out nuint given);

    [LibraryImport(Library, EntryPoint = "soxr_process")]
    private static partial nint DrainFloats(Soxr soxr, nint none, nuint length, nint taken, ref float output, nuint capacity, out nuint given);

    [LibraryImport(Library, EntryPoint = "soxr_delete")]
    private static partial void Delete(nint soxr);

    private sealed class Soxr() : SafeHandle(0, ownsHandle: true)
    {
        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            Delete(handle);
            return true;
        }
    }
}

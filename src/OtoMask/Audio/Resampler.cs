using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>Changes the sample rate of a mono stream by libsoxr at its high quality (linear phase, 20 bit).</summary>
internal sealed partial class Resampler : IDisposable
{
    private const string Library = "libsoxr.so.0";
    private const int SamplesAtOnce = 1 << 14;
    private readonly Soxr soxr;
    private readonly float[] ready = new float[SamplesAtOnce];

    /// <exception cref="SoundLibraryException">libsoxr is missing or broken.</exception>
    public Resampler(int inputRate, int outputRate)
    {
        try
        {
            soxr = Create(inputRate, outputRate, channels: 1, out nint error, 0, 0, 0);
            Ensure(error);
        }
        catch (TypeLoadException problem)
        {
            throw SoundLibraryException.Of("libsoxr", "libsoxr0", problem);
        }
    }

    /// <summary>A whole signal at another rate; empty where it is too short for a single sample.</summary>
    /// <exception cref="SoundLibraryException">libsoxr is missing or broken.</exception>
    public static float[] Resample(ReadOnlySpan<float> mono, int inputRate, int outputRate)
    {
        var resampled = new SampleBuffer(expected: (long)mono.Length * outputRate / inputRate);
        using var resampler = new Resampler(inputRate, outputRate);
        resampler.Process(mono, resampled);
        resampler.Drain(resampled);
        return resampled.Take(resampled.Count);
    }

    /// <summary>Takes in samples and hands on those that are ready.</summary>
    public void Process(ReadOnlySpan<float> input, SampleBuffer output)
    {
        while (!input.IsEmpty)
        {
            Ensure(ProcessFloats(soxr, in MemoryMarshal.GetReference(input), (nuint)input.Length, out nuint taken,
                ref MemoryMarshal.GetArrayDataReference(ready), (nuint)ready.Length, out nuint given));
            output.Add(ready.AsSpan(0, (int)given));
            input = input[(int)taken..];
        }
    }

    /// <summary>Hands on, after the last input, what is still held back.</summary>
    public void Drain(SampleBuffer output)
    {
        nuint given = 1;
        while (given > 0)
        {
            Ensure(DrainFloats(soxr, 0, 0, 0, ref MemoryMarshal.GetArrayDataReference(ready), (nuint)ready.Length, out given));
            output.Add(ready.AsSpan(0, (int)given));
        }
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

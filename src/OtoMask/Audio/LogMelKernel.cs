using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OtoMask.Audio;

/// <summary>The front end at one width of the machine's vectors.</summary>
internal interface ILogMelKernel
{
    /// <summary>Fills <paramref name="logMel"/> [bands, frames] from at least one sample. Thread-safe.</summary>
    void Compute(ReadOnlySpan<float> waveform, Span<float> logMel, int frames);
}

/// <summary>
/// Computes as many frames at once as a vector has lanes, one frame a lane: windowing, transform, power, mel bands and
/// log are then plain vector arithmetic, and a band's values of neighbouring frames leave as one store.
/// </summary>
/// <remarks>
/// Frame l of a group holds samples l * hop + n. Turned into a matrix [hop, columns] of sample (c * hop + r) at (r, c),
/// the lanes of sample n = q * hop + r are the neighbours (r, q .. q + lanes - 1): one load, though frames overlap.
/// A frame of n real samples is transformed as n / 2 complex ones, even samples real, odd ones imaginary.
/// </remarks>
internal sealed class LogMelKernel<TLanes> : ILogMelKernel where TLanes : unmanaged, ILanes<TLanes>
{
    private readonly int fftSize, hop, bands, half, columns;
    private readonly LaneFft<TLanes> fft;
    private readonly WindowedPoint[] points;
    private readonly Twiddle[] splitTwiddles;
    private readonly Band[] melBands;
    private readonly float[] melWeights;
    private readonly ConcurrentBag<Workspace> workspaces = [];

    public LogMelKernel(LogMelSettings settings)
    {
        (fftSize, hop, bands, half) = (settings.FftSize, settings.HopSize, settings.Bands, settings.FftSize / 2);
        columns = TLanes.Count + (fftSize - 1) / hop;
        fft = new LaneFft<TLanes>(half);
        points = [.. Enumerable.Range(0, half).Select(k => new WindowedPoint(
            fft.Place[k], MatrixIndex(2 * k), MatrixIndex(2 * k + 1), HalfHann(2 * k), HalfHann(2 * k + 1)))];
        splitTwiddles = [.. Enumerable.Range(0, half / 2 + 1).Select(k => new Twiddle(k, fftSize))];
        (melBands, melWeights) = SparseFilterBank(settings);
    }

    public void Compute(ReadOnlySpan<float> waveform, Span<float> logMel, int frames)
    {
        if (!workspaces.TryTake(out Workspace? workspace))
            workspace = new Workspace(hop * columns, half + 1);
        for (int frame = 0; frame < frames; frame += TLanes.Count)
        {
            Arrange(Samples(waveform, frame * hop - half, workspace.Padded), workspace.Matrix);
            Window(workspace.Matrix, workspace.Spectrum);
            fft.Transform(workspace.Spectrum);
            ToPower(workspace.Spectrum);
            MelLog(workspace.Spectrum, logMel, frame, frames, workspace.Tail);
        }
        workspaces.Add(workspace);
    }

    /// <summary>The samples of one group of frames: a piece of the waveform, or a copy where that must be reflected.</summary>
    private ReadOnlySpan<float> Samples(ReadOnlySpan<float> waveform, int start, Span<float> padded)
    {
        if (start >= 0 && start <= waveform.Length - padded.Length)
            return waveform.Slice(start, padded.Length);
        padded.Clear();
        int inside = Math.Max(start, 0);
        ReadOnlySpan<float> present = waveform[inside..Math.Min(start + padded.Length, waveform.Length)];
        present.CopyTo(padded[(inside - start)..]);
        // Beyond half a frame from either end lie only the lanes of frames that do not exist.
        for (int place = Math.Max(start, -half); place < 0; place++)
            padded[place - start] = waveform[LogMelExtractor.Reflect(place, waveform.Length)];
        for (int place = waveform.Length; place < Math.Min(start + padded.Length, waveform.Length + half); place++)
            padded[place - start] = waveform[LogMelExtractor.Reflect(place, waveform.Length)];
        return padded;
    }

    /// <summary>[columns, hop] samples to the matrix [hop, columns].</summary>
    private void Arrange(ReadOnlySpan<float> samples, Span<float> matrix)
    {
        for (int column = 0; column < columns; column++)
        {
            ReadOnlySpan<float> source = samples.Slice(column * hop, hop);
            for (int row = 0; row < source.Length; row++)
                matrix[row * columns + column] = source[row];
        }
    }

    private void Window(ReadOnlySpan<float> matrix, Span<ComplexLanes<TLanes>> spectrum)
    {
        ref float samples = ref MemoryMarshal.GetReference(matrix);
        foreach (ref readonly WindowedPoint point in points.AsSpan())
        {
            spectrum[point.Place] = new(
                TLanes.Load(ref Unsafe.Add(ref samples, point.Even)) * TLanes.Broadcast(point.EvenWeight),
                TLanes.Load(ref Unsafe.Add(ref samples, point.Odd)) * TLanes.Broadcast(point.OddWeight));
        }
    }

    /// <summary>Splits the complex spectrum Z in that of the real frame, X, and leaves |X[k]|^2 in the real part of bin k.</summary>
    /// <remarks>X[k] = E + w O and conj X[n/2 - k] = E - w O, with E = (Z[k] + conj Z[n/2-k]) / 2, O = (Z[k] - conj Z[n/2-k]) / 2i and
    /// w = exp(-2 pi i k / n); the halves are in the window already.</remarks>
    private void ToPower(Span<ComplexLanes<TLanes>> spectrum)
    {
        spectrum[half] = spectrum[0];
        for (int k = 0; k <= half / 2; k++)
        {
            ComplexLanes<TLanes> low = spectrum[k], high = spectrum[half - k];
            ComplexLanes<TLanes> even = new(low.Re + high.Re, low.Im - high.Im);
            ComplexLanes<TLanes> odd = new ComplexLanes<TLanes>(low.Im + high.Im, high.Re - low.Re).Times(splitTwiddles[k]);
            spectrum[k].Re = (even + odd).SquaredLength();
            spectrum[half - k].Re = (even - odd).SquaredLength();
        }
    }

    private void MelLog(ReadOnlySpan<ComplexLanes<TLanes>> power, Span<float> logMel, int frame, int frames, Span<float> tail)
    {
        bool whole = frame + TLanes.Count <= frames;
        TLanes floor = TLanes.Broadcast(LogMel.PowerFloor);
        for (int band = 0; band < bands; band++)
        {
            Band mel = melBands[band];
            TLanes sum = floor;
            ReadOnlySpan<float> weights = melWeights.AsSpan(mel.FirstWeight, mel.Bins);
            ReadOnlySpan<ComplexLanes<TLanes>> bins = power.Slice(mel.FirstBin, mel.Bins);
            for (int i = 0; i < bins.Length; i++)
                sum = TLanes.MultiplyAdd(bins[i].Re, TLanes.Broadcast(weights[i]), sum);
            Span<float> target = whole ? logMel.Slice(band * frames + frame, TLanes.Count) : tail;
            TLanes.Log(sum).Store(ref MemoryMarshal.GetReference(target));
            if (!whole)
                tail[..(frames - frame)].CopyTo(logMel[(band * frames + frame)..]);
        }
    }

    private int MatrixIndex(int sample) => sample % hop * columns + sample / hop;

    private float HalfHann(int sample) => (float)(LogMelExtractor.Hann(sample, fftSize) / 2);

    /// <summary>Of every band only the run of bins with weight.</summary>
    private static (Band[] Bands, float[] Weights) SparseFilterBank(LogMelSettings settings)
    {
        int bins = settings.FftSize / 2 + 1;
        float[] dense = MelFilterBank.Weights(settings);
        Band[] bands = new Band[settings.Bands];
        List<float> weights = [];
        for (int band = 0; band < bands.Length; band++)
        {
            ReadOnlySpan<float> row = dense.AsSpan(band * bins, bins);
            int first = Math.Max(0, row.IndexOfAnyExcept(0f)), end = row.LastIndexOfAnyExcept(0f) + 1;
            bands[band] = new Band(first, Math.Max(0, end - first), weights.Count);
            weights.AddRange(row[first..Math.Max(first, end)]);
        }
        return (bands, [.. weights]);
    }

    /// <summary>Where a complex point goes in the transform, where its two samples lie in the matrix, and their window.</summary>
    private readonly record struct WindowedPoint(int Place, int Even, int Odd, float EvenWeight, float OddWeight);

    /// <summary>The bins of a band and where its weights begin.</summary>
    private readonly record struct Band(int FirstBin, int Bins, int FirstWeight);

    /// <summary>What one call needs for itself, kept for the next; everything lies in the first-level cache.</summary>
    private sealed class Workspace(int samples, int bins)
    {
        public float[] Padded { get; } = new float[samples];
        public float[] Matrix { get; } = new float[samples];
        public ComplexLanes<TLanes>[] Spectrum { get; } = new ComplexLanes<TLanes>[bins];
        public float[] Tail { get; } = new float[TLanes.Count];
    }
}

using System.Numerics;

namespace OtoMask.Audio;

/// <summary>The sound of a file from some place on as mono samples of one rate, piece after piece; what no program can use is refused.</summary>
internal sealed class AudioReader : IDisposable
{
    private const int BlockSamples = 1 << 14;
    private const double LeadSeconds = 0.05;
    private const double CancelledShare = 1e-4; // -40 dB: far below what any pair of microphones gives, above what lossy formats leave of exact opposites

    private readonly string path;
    private readonly AudioDecoder decoder;
    private readonly int sampleRate;
    private readonly float[] interleaved;
    private readonly CancellationToken cancellation;
    private Resampler? resampler;
    private SampleBuffer ready = new();
    private double start, channelPower, mixedPower;
    private bool isAtEnd;

    private AudioReader(string path, AudioDecoder decoder, int sampleRate, CancellationToken cancellation)
    {
        (this.path, this.decoder, this.sampleRate, this.cancellation) = (path, decoder, sampleRate, cancellation);
        interleaved = new float[Math.Max(1, BlockSamples / decoder.Info.Channels) * decoder.Info.Channels];
    }

    /// <summary>Opens a file at its beginning or at a place.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sampleRate">Samples a second of what is taken, in Hz.</param>
    /// <param name="startSeconds">The place; nothing is there to take where it lies behind the end.</param>
    /// <param name="cancellation">Ends opening and taking.</param>
    /// <param name="expected">Seconds that are going to be taken; saves copies.</param>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden or not audio.</exception>
    /// <exception cref="SoundLibraryException">A library is missing or broken.</exception>
    public static AudioReader Open(string path, int sampleRate, double startSeconds = 0, double expected = double.PositiveInfinity, CancellationToken cancellation = default) =>
        Over(path, AudioDecoder.Open(path, cancellation), sampleRate, startSeconds, expected, cancellation);

    /// <summary>The same of a file that is open; the decoder is then the reader's.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="decoder">The decoder, at its beginning.</param>
    /// <param name="sampleRate">Samples a second of what is taken, in Hz.</param>
    /// <param name="startSeconds">The place; nothing is there to take where it lies behind the end.</param>
    /// <param name="expected">Seconds that are going to be taken; saves copies.</param>
    /// <param name="cancellation">Ends opening and taking.</param>
    /// <exception cref="SoundLibraryException">libsoxr is missing or broken.</exception>
    public static AudioReader Over(
        string path, AudioDecoder decoder, int sampleRate, double startSeconds = 0, double expected = double.PositiveInfinity, CancellationToken cancellation = default)
    {
        var reader = new AudioReader(path, decoder, sampleRate, cancellation);
        try
        {
            reader.Begin(startSeconds, expected);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Begins anew at a place, as a reader does that was just opened there; the file stays open.</summary>
    /// <param name="startSeconds">The place; nothing is there to take where it lies behind the end.</param>
    /// <param name="expected">Seconds that are going to be taken; saves copies.</param>
    /// <exception cref="UnreadableAudioException">The file is damaged, or no longer what it was.</exception>
    public void Restart(double startSeconds = 0, double expected = double.PositiveInfinity)
    {
        decoder.Restart();
        Begin(startSeconds, expected);
    }

    /// <summary>How long the file is by its format's own count, which nobody has looked at; null where only decoding to the end tells.</summary>
    public double? ToldSeconds => (double?)decoder.Length / decoder.Info.SampleRate;

    /// <summary>The same, if the last frame is where that says; else null. The reader is then at the beginning of the file.</summary>
    /// <exception cref="UnreadableAudioException">The file is no longer what it was.</exception>
    public double? CountedSeconds()
    {
        double? counted = (double?)decoder.CountedLength() / decoder.Info.SampleRate;
        Begin(startSeconds: 0, double.PositiveInfinity);
        return counted;
    }

    /// <summary>The next samples; fewer than asked for at the end of the file, then none.</summary>
    /// <exception cref="UnreadableAudioException">The file is damaged, holds what is no sound, or channels that cancel each other.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public float[] Take(int count)
    {
        while (ready.Count < count && !isAtEnd)
            ReadBlock();
        if (channelPower > 0 && mixedPower < CancelledShare * channelPower)
            throw new UnreadableAudioException(path, "its channels cancel each other, their mean is silence; keep one of them (ffmpeg -i IN -af 'pan=mono|c0=c0' OUT.flac)");
        return ready.Take(count);
    }

    /// <summary>What follows from the place where the reader began, for so many seconds at most.</summary>
    /// <returns>At least one sample.</returns>
    /// <exception cref="UnreadableAudioException">As <see cref="Take"/>; or nothing is there.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public float[] TakeSeconds(double most) =>
        Take((int)Math.Clamp(Math.Round(most * sampleRate), 1, Array.MaxLength)) is { Length: > 0 } samples
            ? samples
            : throw new UnreadableAudioException(path, start > 0 ? $"there is no sound after {start:0.###} s" : "it holds no samples");

    /// <summary>All that follows.</summary>
    /// <returns>At least one sample.</returns>
    /// <exception cref="UnreadableAudioException">As <see cref="TakeSeconds"/>; or it is more than <see cref="AudioFile.LongestSeconds"/>.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public float[] TakeAll()
    {
        float[] samples = TakeSeconds(AudioFile.LongestSeconds + 1);
        return samples.Length <= AudioFile.LongestSeconds * sampleRate
            ? samples
            : throw new UnreadableAudioException(path, $"it is longer than {AudioFile.LongestSeconds:0} s, too long to be read at once; cut it");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        resampler?.Dispose();
        decoder.Dispose();
    }

    private void Begin(double startSeconds, double expected)
    {
        AudioInfo info = decoder.Info;
        var (firstFrame, skip) = Place(info.SampleRate, sampleRate, startSeconds);
        double told = Math.Max(0, (double)info.Frames - firstFrame) / info.SampleRate;
        resampler?.Dispose();
        resampler = info.SampleRate == sampleRate ? null : new Resampler(info.SampleRate, sampleRate);
        ready = new SampleBuffer((long)Math.Min(Math.Min(told, expected) * sampleRate, int.MaxValue));
        (start, channelPower, mixedPower, isAtEnd) = (startSeconds, 0, 0, false);
        if (firstFrame > 0)
            decoder.Seek(firstFrame);
        Skip(skip);
    }

    /// <summary>The frame to begin decoding at, and the resampled samples between it and the place.</summary>
    private static (long FirstFrame, long Skip) Place(int inputRate, int outputRate, double seconds)
    {
        // Every `output` samples of the result fall exactly on every `input` frames of the file: begin on such a place.
        int common = (int)BigInteger.GreatestCommonDivisor(inputRate, outputRate);
        int input = inputRate / common, output = outputRate / common;
        long first = ToSamples(seconds, outputRate);
        long lead = inputRate == outputRate ? 0 : ToSamples(LeadSeconds, outputRate);
        long grid = Math.Max(0, first - lead) / output;
        return (grid * input, first - grid * output);
    }

    private static long ToSamples(double seconds, int rate) => (long)Math.Min(Math.Round(seconds * rate), 1L << 46);

    private void Skip(long count)
    {
        while (count > 0 && (ready.Count > 0 || !isAtEnd))
        {
            if (ready.Count == 0)
                ReadBlock();
            int skipped = (int)Math.Min(count, ready.Count);
            ready.Skip(skipped);
            count -= skipped;
        }
    }

    private void ReadBlock()
    {
        cancellation.ThrowIfCancellationRequested();
        int channels = decoder.Info.Channels, frames = decoder.Read(interleaved);
        if (frames == 0)
        {
            isAtEnd = true;
            cancellation.ThrowIfCancellationRequested(); // what was decoding may have been ended for it
            resampler?.Drain(ready);
            return;
        }
        Span<float> block = interleaved.AsSpan(0, frames * channels);
        if (Believable.ProblemOfSamples(block) is { } problem)
            throw new UnreadableAudioException(path, problem);
        ReadOnlySpan<float> mono = MixDown(block, channels);
        if (resampler is null)
            ready.Add(mono);
        else
            resampler.Process(mono, ready);
    }

    /// <summary>The mean of the channels, in place at the front of <paramref name="block"/>.</summary>
    private ReadOnlySpan<float> MixDown(Span<float> block, int channels)
    {
        if (channels == 1)
            return block;
        int frames = block.Length / channels;
        float share = 1f / channels, power = 0, mixed = 0;
        for (int frame = 0; frame < frames; frame++)
        {
            float sum = 0;
            foreach (float sample in block.Slice(frame * channels, channels))
            {
                sum += sample;
                power += sample * sample;
            }
            float mean = sum * share;
            mixed += mean * mean;
            block[frame] = mean;
        }
        channelPower += power * share;
        mixedPower += mixed;
        return block[..frames];
    }
}

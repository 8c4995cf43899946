using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace OtoMask.Audio;

/// <summary>Audio files of any common format as mono samples, and back. Thread-safe.</summary>
/// <remarks>libsndfile decodes wav, flac, ogg, opus, mp3 and their kin, ffmpeg (where installed) the rest, libsoxr resamples.</remarks>
public static class AudioFile
{
    /// <summary>How much of a file is read unless told otherwise: one hour.</summary>
    public const double DefaultMaxSeconds = 3600;

    private const int BlockSamples = 1 << 14;
    private const double LeadSeconds = 0.05;

    private static readonly HashSet<string> SndFileExtensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64",
    };

    private static readonly HashSet<string> FfmpegExtensions = new(StringComparer.OrdinalIgnoreCase)
    {
        ".m4a", ".aac", ".wma", ".webm", ".mp4", ".mka", ".mkv", ".mov", ".3gp", ".amr", ".ac3", ".ape", ".wv", ".tta",
    };

    /// <summary>Whether the name ends as audio files (or films, for their sound) do; the content is not looked at.</summary>
    public static bool HasAudioExtension(string path) => SndFileExtensions.Contains(Path.GetExtension(path)) || NeedsFfmpeg(path);

    /// <summary>What the header of a file says; nothing is decoded.</summary>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden or not audio.</exception>
    /// <exception cref="UserErrorException">libsndfile is not installed.</exception>
    public static AudioInfo Describe(string path)
    {
        using AudioDecoder decoder = AudioDecoder.Open(path);
        return decoder.Info;
    }

    /// <summary>Reads a file from its start: the mean of its channels at <paramref name="sampleRate"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sampleRate">Samples a second of the result, in Hz.</param>
    /// <param name="maxSeconds">What lies after these seconds is not read.</param>
    /// <param name="cancellation">Stops the reading.</param>
    /// <returns>At least one sample, in about -1..1.</returns>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden, damaged, not audio, or holds NaN.</exception>
    /// <exception cref="UserErrorException">libsndfile or libsoxr is not installed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static float[] ReadMono(string path, int sampleRate, double maxSeconds = DefaultMaxSeconds, CancellationToken cancellation = default) =>
        ReadMono(path, sampleRate, 0, maxSeconds, cancellation);

    /// <summary>Reads a section of a file without decoding what lies before it, where the format allows.</summary>
    /// <remarks>Of lossless files the samples are those of the whole file at the same places, but for rounding: the section begins on
    /// the resampler's grid, and a lead of 50 ms fills its filter. In lossy files the decoders' own seeking may be off by some milliseconds,
    /// always by the same.</remarks>
    /// <param name="path">The file.</param>
    /// <param name="sampleRate">Samples a second of the result, in Hz.</param>
    /// <param name="startSeconds">Where the section begins.</param>
    /// <param name="maxSeconds">How long it is at most; it ends with the file.</param>
    /// <param name="cancellation">Stops the reading.</param>
    /// <inheritdoc cref="ReadMono(string, int, double, CancellationToken)" path="/returns|/exception"/>
    public static float[] ReadMono(string path, int sampleRate, double startSeconds, double maxSeconds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleRate, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(startSeconds);
        if (!(maxSeconds > 0))
            throw new ArgumentOutOfRangeException(nameof(maxSeconds), maxSeconds, "must be above 0");
        using AudioDecoder decoder = AudioDecoder.Open(path);
        Section section = Section.Plan(decoder.Info.SampleRate, sampleRate, startSeconds, maxSeconds);
        if (section.FirstFrame > 0)
            decoder.Seek(section.FirstFrame);
        double expected = Math.Max(0, (double)decoder.Info.Frames - section.FirstFrame) * sampleRate / decoder.Info.SampleRate;
        SampleCollector collected = new(section.Skip, section.Count, (long)Math.Min(expected, section.Count));
        Collect(path, decoder, sampleRate, collected, cancellation);
        return collected.Samples is { Length: > 0 } samples
            ? samples
            : throw new UnreadableAudioException(path, startSeconds > 0 ? $"there is no sound after {startSeconds:0.###} s" : "it holds no samples");
    }

    /// <summary>Writes 16-bit FLAC; samples beyond -1..1 are limited. The file appears whole or not at all.</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written to, or libsndfile is not installed.</exception>
    /// <exception cref="IOException">The disk is full, or the format cannot hold this sample rate.</exception>
    public static void WriteFlac(string path, ReadOnlySpan<float> mono, int sampleRate) => Write(path, mono, sampleRate, SndFile.FormatFlac);

    /// <summary>Writes 16-bit WAV; samples beyond -1..1 are limited. The file appears whole or not at all.</summary>
    /// <inheritdoc cref="WriteFlac" path="/exception"/>
    public static void WriteWav(string path, ReadOnlySpan<float> mono, int sampleRate) => Write(path, mono, sampleRate, SndFile.FormatWav);

    internal static bool NeedsFfmpeg(string path) => FfmpegExtensions.Contains(Path.GetExtension(path));

    private static void Collect(string path, AudioDecoder decoder, int sampleRate, SampleCollector collected, CancellationToken cancellation)
    {
        AudioInfo info = decoder.Info;
        using Resampler? resampler = info.SampleRate == sampleRate ? null : new Resampler(info.SampleRate, sampleRate);
        float[] interleaved = new float[Math.Max(1, BlockSamples / info.Channels) * info.Channels];
        while (!collected.IsFull && decoder.Read(interleaved) is > 0 and int frames)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<float> block = interleaved.AsSpan(0, frames * info.Channels);
            if (NonFinite.IsIn(block))
                throw new UnreadableAudioException(path, "contains NaN or infinite samples");
            ReadOnlySpan<float> mono = MixDown(block, info.Channels);
            if (resampler is null)
                collected.Add(mono);
            else
                resampler.Process(mono, collected);
        }
        resampler?.Drain(collected);
    }

    /// <summary>The mean of the channels, in place at the front of <paramref name="interleaved"/>.</summary>
    private static ReadOnlySpan<float> MixDown(Span<float> interleaved, int channels)
    {
        if (channels == 1)
            return interleaved;
        int frames = interleaved.Length / channels;
        float share = 1f / channels;
        for (int frame = 0; frame < frames; frame++)
        {
            float sum = 0;
            foreach (float sample in interleaved.Slice(frame * channels, channels))
                sum += sample;
            interleaved[frame] = sum * share;
        }
        return interleaved[..frames];
    }

    private static void Write(string path, ReadOnlySpan<float> mono, int sampleRate, int container) => AtomicFile.Write(path, mono, (stream, samples) =>
    {
        SndFile.Info header = new() { SampleRate = sampleRate, Channels = 1, Format = container | SndFile.Pcm16 };
        using SndFile sound = SndFile.Open(stream.SafeFileHandle, SndFile.ModeWrite, ref header);
        if (sound.IsInvalid)
            throw Failure(stream.SafeFileHandle, SndFile.OpenError());
        sound.ClipSamples();
        if (sound.WriteFrames(samples, channels: 1) != samples.Length)
            throw Failure(stream.SafeFileHandle, sound.LastError);
        if (!sound.CloseChecked())
            throw Failure(stream.SafeFileHandle, reason: null);
    });

    /// <summary>Why libsndfile could not write. It keeps the system's reason to itself, but the same attempt made again without it tells of a full disk.</summary>
    private static IOException Failure(SafeFileHandle file, string? reason)
    {
        try
        {
            RandomAccess.Write(file, new byte[BlockSamples], RandomAccess.GetLength(file));
            RandomAccess.FlushToDisk(file);
            return new IOException(reason ?? "libsndfile does not say why");
        }
        catch (IOException problem)
        {
            return problem;
        }
    }

    /// <summary>Where to begin decoding, and which of the resampled samples are wanted.</summary>
    private readonly record struct Section(long FirstFrame, long Skip, long Count)
    {
        public static Section Plan(int inputRate, int outputRate, double startSeconds, double maxSeconds)
        {
            // Every `output` samples of the result fall exactly on every `input` frames of the file: begin on such a place.
            int common = (int)BigInteger.GreatestCommonDivisor(inputRate, outputRate);
            int input = inputRate / common, output = outputRate / common;
            long first = ToSamples(startSeconds, outputRate);
            long lead = inputRate == outputRate ? 0 : ToSamples(LeadSeconds, outputRate);
            long grid = Math.Max(0, first - lead) / output;
            return new Section(grid * input, first - grid * output, Math.Clamp(ToSamples(maxSeconds, outputRate), 1, Array.MaxLength));
        }

        private static long ToSamples(double seconds, int rate) => (long)Math.Min(Math.Round(seconds * rate), 1L << 46);
    }
}

using Microsoft.Win32.SafeHandles;

namespace OtoMask.Audio;

/// <summary>Audio files of any common format as mono samples, and back. Thread-safe.</summary>
/// <remarks>libsndfile decodes wav, flac, ogg, opus and their kin, libmpg123 mp3, ffmpeg (where installed) the rest, libsoxr resamples. Files are read to the end of
/// what is there, whatever a header says or guesses.</remarks>
public static class AudioFile
{
    /// <summary>How much of a file is read at once: one hour. Longer ones are read in sections.</summary>
    public const double LongestSeconds = 3600;

    private const int ProbeBytes = 1 << 14;

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

    /// <summary>What the header of a file says; nothing is decoded, and its length may be a guess: see <see cref="Measure"/>.</summary>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden or not audio.</exception>
    /// <exception cref="SoundLibraryException">A library is missing or broken.</exception>
    public static AudioInfo Describe(string path)
    {
        using AudioDecoder decoder = AudioDecoder.Open(path);
        return decoder.Info;
    }

    /// <summary>The same with the length that reading to the end gives, whatever the header says.</summary>
    /// <remarks>Quick where the format counts its frames and the last one is there, as in wav, flac, ogg, opus and mp3; else all is decoded.</remarks>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden, damaged or not audio.</exception>
    /// <exception cref="SoundLibraryException">A library is missing or broken.</exception>
    public static AudioInfo Measure(string path, CancellationToken cancellation = default)
    {
        using AudioDecoder decoder = AudioDecoder.Open(path, cancellation);
        if (decoder.CountedLength() is { } counted)
            return decoder.Info with { Frames = counted };
        decoder.Seek(0);
        long frames = 0;
        while (decoder.Skip(decoder.Info.SampleRate) is > 0 and long more)
        {
            frames += more;
            cancellation.ThrowIfCancellationRequested();
        }
        return decoder.Info with { Frames = frames };
    }

    /// <summary>Reads a file to its end: the mean of its channels at <paramref name="sampleRate"/>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sampleRate">Samples a second of the result, in Hz.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>At least one sample, in about -1..1.</returns>
    /// <exception cref="UnreadableAudioException">The file is missing, empty, forbidden, damaged, not audio, longer than <see cref="LongestSeconds"/>, or holds NaN
    /// or absurd values, or channels whose mean is silence.</exception>
    /// <exception cref="SoundLibraryException">A library is missing or broken.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static float[] ReadMono(string path, int sampleRate, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleRate, 1);
        using AudioReader reader = AudioReader.Open(path, sampleRate, cancellation: cancellation);
        return reader.TakeAll();
    }

    /// <summary>Reads a file from its start.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sampleRate">Samples a second of the result, in Hz.</param>
    /// <param name="maxSeconds">What lies after these seconds is not read.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <inheritdoc cref="ReadMono(string, int, CancellationToken)" path="/returns|/exception"/>
    public static float[] ReadMono(string path, int sampleRate, double maxSeconds, CancellationToken cancellation = default) =>
        ReadMono(path, sampleRate, 0, maxSeconds, cancellation);

    /// <summary>Reads the sound of a stream, in any format that a file may have, from where the stream stands.</summary>
    /// <remarks>Its bytes, 4 GiB at most, are put in a temporary file without a name, private to this user. What they hold tells the format.</remarks>
    /// <param name="sound">The stream. It need not seek, and stays open.</param>
    /// <param name="sampleRate">Samples a second of the result, in Hz.</param>
    /// <param name="maxSeconds">What lies after these seconds is not decoded: little may unpack to days.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>At least one sample, in about -1..1.</returns>
    /// <exception cref="ArgumentException">The stream cannot be read.</exception>
    /// <exception cref="UnreadableAudioException">It is empty, damaged, larger than 4 GiB, not audio, or holds NaN or absurd values, or channels whose mean is silence.</exception>
    /// <exception cref="SoundLibraryException">A library is missing or broken.</exception>
    /// <exception cref="UserErrorException">No temporary file can be made.</exception>
    /// <exception cref="IOException">The stream fails, or the disk is full.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static float[] ReadMono(Stream sound, int sampleRate, double maxSeconds = LongestSeconds, CancellationToken cancellation = default) =>
        StreamFile.Read(sound, path => ReadMono(path, sampleRate, maxSeconds, cancellation), cancellation);

    /// <summary>Reads a section of a file without decoding what lies before it, where the format allows.</summary>
    /// <remarks>The samples are those of the whole file at the same places, but for rounding: the section begins on the resampler's grid, and a lead of 50 ms
    /// fills its filter. What only ffmpeg reads is decoded from its beginning, since its own seeking may be off.</remarks>
    /// <param name="path">The file.</param>
    /// <param name="sampleRate">Samples a second of the result, in Hz.</param>
    /// <param name="startSeconds">Where the section begins.</param>
    /// <param name="maxSeconds">How long it is at most; it ends with the file.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <inheritdoc cref="ReadMono(string, int, CancellationToken)" path="/returns|/exception"/>
    public static float[] ReadMono(string path, int sampleRate, double startSeconds, double maxSeconds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleRate, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(startSeconds);
        if (!(maxSeconds > 0))
            throw new ArgumentOutOfRangeException(nameof(maxSeconds), maxSeconds, "must be above 0");
        using AudioReader reader = AudioReader.Open(path, sampleRate, startSeconds, maxSeconds, cancellation);
        return reader.TakeSeconds(maxSeconds);
    }

    /// <summary>Writes 16-bit FLAC; samples beyond -1..1 are limited. The file appears whole or not at all.</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written to, or libsndfile is missing or broken.</exception>
    /// <exception cref="IOException">The disk is full, or the format cannot hold this sample rate.</exception>
    internal static void WriteFlac(string path, ReadOnlySpan<float> mono, int sampleRate) => Write(path, mono, sampleRate, SndFile.FormatFlac);

    /// <summary>Writes 16-bit WAV; samples beyond -1..1 are limited. The file appears whole or not at all.</summary>
    /// <inheritdoc cref="WriteFlac" path="/exception"/>
    internal static void WriteWav(string path, ReadOnlySpan<float> mono, int sampleRate) => Write(path, mono, sampleRate, SndFile.FormatWav);

    internal static bool NeedsFfmpeg(string path) => FfmpegExtensions.Contains(Path.GetExtension(path));

    private static void Write(string path, ReadOnlySpan<float> mono, int sampleRate, int container) => AtomicFile.Write(path, mono, (stream, samples) =>
    {
        SndFile.Info header = new() { SampleRate = sampleRate, Channels = 1, Format = container | SndFile.Pcm16 };
        using SndFile sound = SndFile.Open(stream.SafeFileHandle, SndFile.ModeWrite, ref header);
        if (sound.IsInvalid)
            throw Failure(stream.SafeFileHandle, sound.OpenProblem);
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
            RandomAccess.Write(file, new byte[ProbeBytes], RandomAccess.GetLength(file));
            RandomAccess.FlushToDisk(file);
            return new IOException(reason ?? "libsndfile does not say why");
        }
        catch (IOException problem)
        {
            return problem;
        }
    }
}

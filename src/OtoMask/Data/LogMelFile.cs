using OtoMask.Audio;
using OtoMask.Interop;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>Size of a clip's log-mel, known when its last row has been read.</summary>
/// <param name="Frames">T, frames of the clip.</param>
/// <param name="SilenceFrom">The first frame that differs when the clip is followed by silence.</param>
/// <param name="Rows">T + R, rows as <see cref="ClipLogMel"/> stores them.</param>
internal readonly record struct LogMelExtent(int Frames, int SilenceFrom, int Rows);

/// <summary>The file of a clip: a recording, or a log-mel as <c>.npy</c>. The first read opens it, and all reads share what is open. Not thread-safe.</summary>
/// <remarks>
/// Recordings are read to their end in sections of about a minute that overlap by a frame's length, so that a day of sound needs no more memory than a
/// minute; every frame sees the samples it would see in the whole recording.
/// </remarks>
/// <param name="path">The file.</param>
/// <param name="settings">The front end.</param>
/// <param name="extractor">That front end.</param>
/// <param name="longestSeconds">How much of a recording is kept in memory when it is read whole.</param>
/// <param name="cancellation">Ends the reading.</param>
internal sealed class LogMelFile(string path, LogMelSettings settings, LogMelExtractor extractor, double longestSeconds, CancellationToken cancellation) : IDisposable
{
    /// <summary>Longer recordings are not decoded whole for one crop.</summary>
    public const double WholeSeconds = 60;

    private const int FramesPerSection = 6400;

    /// <summary>Frames on either side of one that share samples with it.</summary>
    private readonly int margin = (settings.FftSize / 2 + settings.HopSize - 1) / settings.HopSize;

    private AudioReader? recording;

    /// <summary>T of a recording longer than <see cref="WholeSeconds"/> whose format tells its length; 0 of others, and where only decoding to the end would tell.</summary>
    /// <exception cref="BadClipException">It is not audio.</exception>
    public int FramesIfLong() => LongFramesOf(From(0));

    /// <summary>The log-mel of the whole clip, or null where it is longer than is kept in memory; and T, its frames, in either case.</summary>
    /// <exception cref="BadClipException">The clip cannot be used.</exception>
    public (OwnedLogMel? LogMel, int Frames) ReadWhole() => WholeOf(From(0));

    /// <summary>The same, or null, too, of what <see cref="FramesIfLong"/> tells to have more than <paramref name="mostFrames"/>.</summary>
    /// <exception cref="BadClipException">The clip cannot be used.</exception>
    public (OwnedLogMel? LogMel, int Frames) ReadUnlessLong(long mostFrames)
    {
        AudioReader? sound = From(0);
        int frames = LongFramesOf(sound);
        return frames > mostFrames ? (null, frames) : WholeOf(sound);
    }

    private (OwnedLogMel? LogMel, int Frames) WholeOf(AudioReader? sound)
    {
        var sections = new List<float[]>();
        double seconds = 0;
        LogMelExtent extent = StreamOf(sound, rows =>
        {
            seconds += (double)rows.Length / settings.Bands * settings.HopSize / settings.SampleRate;
            if (TooLong(seconds))
                sections.Clear();
            else
                sections.Add(rows);
        });
        bool TooLong(double seconds) => sound is not null && seconds > longestSeconds; // an array is in memory as it is
        return TooLong(seconds)
            ? (null, extent.Frames)
            : (new OwnedLogMel(settings.Bands, extent.Frames, extent.SilenceFrom, sections.Count == 1 ? sections[0] : Join(sections)), extent.Frames);
    }

    /// <summary>Hands out the rows of a clip, [some, F] at a time, as <see cref="ClipLogMel"/> stores them.</summary>
    /// <exception cref="BadClipException">The clip cannot be used; rows already handed out must be dropped.</exception>
    public LogMelExtent Stream(Action<float[]> take) => StreamOf(From(0), take);

    /// <summary>The log-mel of a clip in pieces of about a minute: all but the last of the same length, a multiple of <paramref name="multiple"/> frames.</summary>
    /// <exception cref="BadClipException">The clip cannot be used; pieces already handed out must be dropped.</exception>
    public IEnumerable<LogMel> ReadPieces(int multiple) => From(0) is { } sound
        ? Sections(sound, multiple * Math.Max(1, FramesPerSection / multiple)).Select(section => section.Alone(path))
        : [ReadArray()];

    /// <summary>Writes a random crop of a long recording, decoding little more than it.</summary>
    /// <param name="totalFrames">T of the recording, from <see cref="FramesIfLong"/> or <see cref="ReadWhole"/>.</param>
    /// <param name="crop">Draws where the crop starts.</param>
    /// <param name="frames">Frames of the crop, at most <paramref name="totalFrames"/>.</param>
    /// <param name="window">[F, frames], band after band. Should the recording have become shorter, the rest is silence.</param>
    /// <exception cref="BadClipException">The section cannot be used.</exception>
    public void ReadSection(int totalFrames, RandomStream crop, int frames, Span<float> window)
    {
        int start = crop.NextInt32(totalFrames - frames + 1);
        int first = Math.Max(0, start - margin);
        LogMel logMel = extractor.Compute(ReadSamples(first, start - first + frames + margin));
        CheckBelievable(path, logMel.Values);
        int skipped = Math.Min(start - first, logMel.Frames), available = Math.Min(frames, logMel.Frames - skipped);
        for (int band = 0; band < settings.Bands; band++)
        {
            Span<float> target = window.Slice(band * frames, frames);
            logMel.Values.AsSpan(band * logMel.Frames + skipped, available).CopyTo(target);
            target[available..].Fill(LogMel.Silence);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => recording?.Dispose();

    /// <summary>The recording from a place on; null for what holds a log-mel.</summary>
    private AudioReader? From(double startSeconds, double expected = double.PositiveInfinity)
    {
        if (ClipScanner.IsLogMel(path))
            return null;
        if (recording is null)
            return recording = Reading(() => AudioReader.Open(path, settings.SampleRate, startSeconds, expected, cancellation));
        Reading(() => recording.Restart(startSeconds, expected));
        return recording;
    }

    private int LongFramesOf(AudioReader? sound)
    {
        // The format's own count is asked first: a look whether the end is there costs more.
        if (sound is null || !(Reading(() => sound.ToldSeconds) > WholeSeconds) || Reading(sound.CountedSeconds) is not { } seconds)
            return 0;
        double frames = seconds * settings.SampleRate / settings.HopSize;
        return frames < int.MaxValue ? (int)frames + 1 : 0;
    }

    private LogMelExtent StreamOf(AudioReader? sound, Action<float[]> take) => sound is null ? StreamArray(take) : StreamRecording(sound, take);

    private LogMelExtent StreamRecording(AudioReader sound, Action<float[]> take)
    {
        LogMelExtent extent = default;
        foreach (Section section in Sections(sound, FramesPerSection))
        {
            float[] rows = Rows(section.LogMel, section.Lead, section.Frames);
            if (section.Last is not { } samples)
            {
                take(rows);
                continue;
            }
            int frames = section.Start + section.Frames, silenceFrom = Math.Max(0, frames - margin);
            float[] silent = FollowedBySilence(samples, section.LogMel.Frames, out int silentRows);
            take([.. rows, .. silent]);
            extent = new LogMelExtent(frames, silenceFrom, frames + silentRows);
        }
        return extent;
    }

    private IEnumerable<Section> Sections(AudioReader sound, int framesPerSection)
    {
        float[] samples = [];
        bool isLast = false;
        for (int start = 0, first = 0; !isLast; start += framesPerSection)
        {
            int dropped = (Math.Max(0, start - margin) - first) * settings.HopSize;
            first = Math.Max(0, start - margin);
            int lead = start - first, wanted = (lead + framesPerSection + margin) * settings.HopSize, kept = Math.Max(0, samples.Length - dropped);
            samples = [.. samples.AsSpan(samples.Length - kept), .. Reading(() => sound.Take(wanted - kept))];
            if (samples.Length == 0)
                throw new BadClipException(path, "it holds no samples");
            LogMel logMel = extractor.Compute(samples);
            isLast = samples.Length < wanted; // if not, two margins lie behind the last frame taken: the next section is not empty
            yield return new Section(start, lead, isLast ? logMel.Frames - lead : framesPerSection, logMel, isLast ? samples : null);
        }
    }

    /// <summary>The rows that see the end of a clip when silence follows it: the last <c>margin</c> frames and <c>margin</c> more.</summary>
    private float[] FollowedBySilence(float[] samples, int frames, out int rows)
    {
        int from = Math.Max(0, frames - margin), lead = Math.Min(from, margin);
        int firstSample = (from - lead) * settings.HopSize;
        rows = frames + margin - from;
        float[] end = new float[(lead + rows + margin) * settings.HopSize];
        samples.AsSpan(firstSample).CopyTo(end);
        return Rows(extractor.Compute(end), lead, rows);
    }

    private float[] ReadSamples(int firstFrame, int hops)
    {
        double start = (double)firstFrame * settings.HopSize / settings.SampleRate, seconds = (double)hops * settings.HopSize / settings.SampleRate;
        AudioReader sound = From(start, seconds)!;
        return Reading(() => sound.TakeSeconds(seconds));
    }

    private LogMelExtent StreamArray(Action<float[]> take)
    {
        LogMel logMel = ReadArray();
        take(Rows(logMel, 0, logMel.Frames));
        return new LogMelExtent(logMel.Frames, logMel.Frames, logMel.Frames);
    }

    private LogMel ReadArray()
    {
        NpyArray array;
        try
        {
            array = NpyFile.Read(path);
        }
        catch (UserErrorException error)
        {
            throw new BadClipException(path, error.InnerException is FormatException wrong ? wrong.Message : error.Message, error);
        }
        int[] shape = array.Shape is [1, _, _] ? array.Shape[1..] : array.Shape;
        if (shape is not [int bands, > 0 and int frames] || bands != settings.Bands)
            throw new BadClipException(path, $"its shape is [{string.Join(", ", array.Shape)}], a log-mel is [1, {settings.Bands}, T] or [{settings.Bands}, T]");
        CheckBelievable(path, array.Values);
        return new LogMel(bands, frames, array.Values);
    }

    /// <summary>Frames first .. first + count - 1 as rows [count, F].</summary>
    private float[] Rows(LogMel logMel, int first, int count)
    {
        float[] rows = new float[count * logMel.Bands];
        for (int band = 0; band < logMel.Bands; band++)
        {
            ReadOnlySpan<float> source = logMel.Values.AsSpan(band * logMel.Frames + first, count);
            for (int frame = 0, target = band; frame < source.Length; frame++, target += logMel.Bands)
                rows[target] = source[frame];
        }
        CheckBelievable(path, rows);
        return rows;
    }

    private static float[] Join(List<float[]> sections)
    {
        float[] all = new float[sections.Sum(section => section.Length)];
        int at = 0;
        foreach (float[] section in sections)
        {
            section.CopyTo(all, at);
            at += section.Length;
        }
        return all;
    }

    private static void CheckBelievable(string path, ReadOnlySpan<float> values)
    {
        if (Believable.ProblemOfLogMel(values) is { } problem)
            throw new BadClipException(path, $"it {problem}");
    }

    private void Reading(Action read) => Reading(() =>
    {
        read();
        return true;
    });

    private T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (UnreadableAudioException error)
        {
            throw new BadClipException(path, error.Reason, error);
        }
        catch (IOException error)
        {
            throw new BadClipException(path, error.Message, error);
        }
    }

    /// <summary>A part of a recording, computed with the frames around it that share its samples.</summary>
    /// <param name="Start">Its first frame.</param>
    /// <param name="Lead">Frames of <paramref name="LogMel"/> that lie before it.</param>
    /// <param name="Frames">Its frames.</param>
    /// <param name="LogMel">What was computed.</param>
    /// <param name="Last">The samples computed from, where the recording ends here.</param>
    private sealed record Section(int Start, int Lead, int Frames, LogMel LogMel, float[]? Last)
    {
        public LogMel Alone(string path)
        {
            LogMel alone = LogMel.Part(Lead, Frames);
            CheckBelievable(path, alone.Values);
            return alone;
        }
    }
}

using System.Numerics;
using System.Runtime.InteropServices;

using OtoMask.Audio;
using OtoMask.Interop;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>Size of a clip's log-mel, known when its last row has been read.</summary>
/// <param name="Frames">T, frames of the clip.</param>
/// <param name="SilenceFrom">The first frame that differs when the clip is followed by silence.</param>
/// <param name="Rows">T + R, rows as <see cref="ClipLogMel"/> stores them.</param>
internal readonly record struct LogMelExtent(int Frames, int SilenceFrom, int Rows);

/// <summary>Log-mels of recordings and <c>.npy</c> files. Thread-safe.</summary>
/// <remarks>
/// Recordings are read in sections of about a minute that overlap by a frame's length, so that a day of sound needs no more memory than a
/// minute; every frame sees the samples it would see in the whole recording.
/// </remarks>
/// <param name="settings">The front end.</param>
internal sealed class LogMelReader(LogMelSettings settings)
{
    /// <summary>Longer recordings are not decoded whole for one crop.</summary>
    public const double WholeSeconds = 60;

    private const int FramesPerSection = 6400;
    private readonly LogMelExtractor extractor = new(settings);

    /// <summary>Frames on either side of one that share samples with it.</summary>
    private readonly int margin = (settings.FftSize / 2 + settings.HopSize - 1) / settings.HopSize;

    /// <summary>
    /// The frames of a recording so much longer than a crop of <paramref name="cropFrames"/> that only a section of it should be
    /// decoded; 0 for others, which are read whole.
    /// </summary>
    /// <exception cref="BadClipException">It is not audio.</exception>
    public int FramesIfLong(string path, int cropFrames)
    {
        if (ClipScanner.IsLogMel(path))
            return 0;
        AudioInfo info = Reading(path, () => AudioFile.Describe(path));
        double frames = info.Seconds * settings.SampleRate / settings.HopSize;
        return info.Seconds > WholeSeconds && frames > 2.0 * cropFrames && frames < int.MaxValue ? (int)frames + 1 : 0;
    }

    /// <summary>The log-mel of a whole clip.</summary>
    /// <exception cref="BadClipException">The clip cannot be used.</exception>
    public OwnedLogMel ReadWhole(string path)
    {
        var sections = new List<float[]>();
        LogMelExtent extent = Stream(path, sections.Add);
        return new OwnedLogMel(settings.Bands, extent.Frames, extent.SilenceFrom, sections.Count == 1 ? sections[0] : Join(sections));
    }

    /// <summary>Hands out the rows of a clip, [some, F] at a time, as <see cref="ClipLogMel"/> stores them.</summary>
    /// <exception cref="BadClipException">The clip cannot be used; rows already handed out must be dropped.</exception>
    public LogMelExtent Stream(string path, Action<float[]> take) =>
        ClipScanner.IsLogMel(path) ? StreamArray(path, take) : StreamRecording(path, take);

    /// <summary>Writes a random crop of a long recording, decoding little more than it.</summary>
    /// <param name="path">The recording.</param>
    /// <param name="totalFrames">T of the recording, from <see cref="FramesIfLong"/>.</param>
    /// <param name="crop">Draws where the crop starts.</param>
    /// <param name="frames">Frames of the crop, at most <paramref name="totalFrames"/>.</param>
    /// <param name="window">[F, frames], band after band. If the header told too much, the rest is silence.</param>
    /// <exception cref="BadClipException">The section cannot be used.</exception>
    public void ReadSection(string path, int totalFrames, RandomStream crop, int frames, Span<float> window)
    {
        int start = crop.NextInt32(totalFrames - frames + 1);
        int first = Math.Max(0, start - margin);
        LogMel logMel = extractor.Compute(ReadSamples(path, first, start - first + frames + margin));
        CheckFinite(path, logMel.Values);
        int skipped = Math.Min(start - first, logMel.Frames), available = Math.Min(frames, logMel.Frames - skipped);
        for (int band = 0; band < settings.Bands; band++)
        {
            Span<float> target = window.Slice(band * frames, frames);
            logMel.Values.AsSpan(band * logMel.Frames + skipped, available).CopyTo(target);
            target[available..].Fill(LogMel.Silence);
        }
    }

    private LogMelExtent StreamRecording(string path, Action<float[]> take)
    {
        for (int start = 0; ; start += FramesPerSection)
        {
            int first = Math.Max(0, start - margin);
            int hopsWanted = start - first + FramesPerSection + margin;
            float[] samples = ReadSamples(path, first, hopsWanted);
            if (samples.Length == hopsWanted * settings.HopSize)
            {
                // Two margins lie behind the last frame taken, so the next section is not empty.
                take(Rows(path, extractor.Compute(samples), start - first, FramesPerSection));
                continue;
            }
            LogMel last = extractor.Compute(samples);
            int frames = last.Frames - (start - first);
            int silenceFrom = Math.Max(0, first + last.Frames - margin);
            float[] silent = FollowedBySilence(path, samples, last.Frames, out int silentRows);
            take([.. Rows(path, last, start - first, frames), .. silent]);
            return new LogMelExtent(start + frames, silenceFrom, start + frames + silentRows);
        }
    }

    /// <summary>The rows that see the end of a clip when silence follows it: the last <c>margin</c> frames and <c>margin</c> more.</summary>
    private float[] FollowedBySilence(string path, float[] samples, int frames, out int rows)
    {
        int from = Math.Max(0, frames - margin), lead = Math.Min(from, margin);
        int firstSample = (from - lead) * settings.HopSize;
        rows = frames + margin - from;
        float[] end = new float[(lead + rows + margin) * settings.HopSize];
        samples.AsSpan(firstSample).CopyTo(end);
        return Rows(path, extractor.Compute(end), lead, rows);
    }

    private float[] ReadSamples(string path, int firstFrame, int hops) => Reading(path, () => AudioFile.ReadMono(
        path, settings.SampleRate, (double)firstFrame * settings.HopSize / settings.SampleRate, (double)hops * settings.HopSize / settings.SampleRate));

    private LogMelExtent StreamArray(string path, Action<float[]> take)
    {
        NpyArray array = ReadArray(path);
        int[] shape = array.Shape is [1, _, _] ? array.Shape[1..] : array.Shape;
        if (shape is not [int bands, > 0 and int frames] || bands != settings.Bands)
            throw new BadClipException(path, $"its shape is [{string.Join(", ", array.Shape)}], a log-mel is [1, {settings.Bands}, T] or [{settings.Bands}, T]");
        take(Rows(path, new LogMel(bands, frames, array.Values), 0, frames));
        return new LogMelExtent(frames, frames, frames);
    }

    private static NpyArray ReadArray(string path)
    {
        try
        {
            return NpyFile.Read(path);
        }
        catch (UserErrorException error)
        {
            throw new BadClipException(path, error.Message, error);
        }
    }

    /// <summary>Frames first .. first + count - 1 as rows [count, F].</summary>
    private static float[] Rows(string path, LogMel logMel, int first, int count)
    {
        float[] rows = new float[count * logMel.Bands];
        for (int band = 0; band < logMel.Bands; band++)
        {
            ReadOnlySpan<float> source = logMel.Values.AsSpan(band * logMel.Frames + first, count);
            for (int frame = 0, target = band; frame < source.Length; frame++, target += logMel.Bands)
                rows[target] = source[frame];
        }
        CheckFinite(path, rows);
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

    private static void CheckFinite(string path, ReadOnlySpan<float> values)
    {
        var sums = Vector<float>.Zero; // 0 * x is 0 unless x is NaN or infinite; then the sum stays NaN
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        foreach (Vector<float> vector in vectors)
            sums += vector * Vector<float>.Zero;
        float sum = Vector.Sum(sums);
        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
            sum += value * 0;
        if (sum != 0)
            throw new BadClipException(path, "it holds values that are not finite (NaN or infinity)");
    }

    private static T Reading<T>(string path, Func<T> read)
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
}

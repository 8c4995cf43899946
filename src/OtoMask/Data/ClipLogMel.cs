using OtoMask.Audio;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>What fills the input after the end of a clip that is shorter.</summary>
public enum ShortClips
{
    /// <summary>Silence: zeros in the waveform, log(1.19e-7) in the log-mel.</summary>
    Silence,

    /// <summary>The clip again and again, frame 0 after its last frame.</summary>
    Repeat,
}

/// <summary>The log-mel of one whole clip, frame after frame, as it lies in memory or in a cache.</summary>
/// <remarks>
/// Frames come one after another so that a long recording can be appended to a file while it streams, and a crop is one
/// contiguous read. The last frames of docs/method.md section 1 see the waveform reflected at its end; where the clip is followed by
/// silence they see silence, and so do a few frames after them. Those rows are stored behind the clip's own: with them, a short
/// clip padded here equals the log-mel of its zero-padded waveform.
/// </remarks>
/// <param name="bands">F, values of one frame.</param>
/// <param name="frames">T, frames of the clip.</param>
/// <param name="silenceFrom">The first frame that differs when the clip is followed by silence; T when unknown.</param>
/// <param name="values">[T + R, F]: the clip, then the R rows for frames <paramref name="silenceFrom"/>, ... of the clip followed by
/// silence; every frame after those is silent.</param>
internal readonly ref struct ClipLogMel(int bands, int frames, int silenceFrom, ReadOnlySpan<float> values)
{
    private const int FramesAtOnce = 16;
    private readonly ReadOnlySpan<float> values = values;

    /// <summary>Writes a crop of <paramref name="count"/> frames, at a random place if there is a choice, filled up if the clip is shorter.</summary>
    /// <param name="crop">Draws where the crop starts.</param>
    /// <param name="count">Frames to write.</param>
    /// <param name="shortClips">What follows a short clip.</param>
    /// <param name="window">[F, count], band after band.</param>
    public void CopyCrop(ref RandomStream crop, int count, ShortClips shortClips, Span<float> window)
    {
        if (frames >= count)
            CopyFrames(crop.NextInt32(frames - count + 1), count, 0, window, count);
        else if (shortClips == ShortClips.Silence)
            CopyThenSilence(window, count);
        else
            CopyRepeatedly(window, count);
    }

    private void CopyThenSilence(Span<float> window, int width)
    {
        int ringing = Math.Min(values.Length / bands - frames, width - silenceFrom);
        CopyFrames(0, silenceFrom, 0, window, width);
        CopyFrames(frames, ringing, silenceFrom, window, width);
        for (int band = 0; band < bands; band++)
            window.Slice(band * width + silenceFrom + ringing, width - silenceFrom - ringing).Fill(LogMel.Silence);
    }

    private void CopyRepeatedly(Span<float> window, int width)
    {
        for (int at = 0; at < width; at += frames)
            CopyFrames(0, Math.Min(frames, width - at), at, window, width);
    }

    /// <summary>Turns rows first .. first + count - 1 into columns at, at + 1, ... of a window [F, width].</summary>
    private void CopyFrames(int first, int count, int at, Span<float> window, int width)
    {
        ReadOnlySpan<float> rows = values.Slice(first * bands, count * bands);
        for (int begin = 0; begin < count; begin += FramesAtOnce) // so that the rows being read stay in the nearest cache
        {
            int end = Math.Min(begin + FramesAtOnce, count);
            for (int band = 0; band < bands; band++)
            {
                Span<float> target = window.Slice(band * width + at + begin, end - begin);
                for (int frame = 0, source = begin * bands + band; frame < target.Length; frame++, source += bands)
                    target[frame] = rows[source];
            }
        }
    }
}

/// <summary>A <see cref="ClipLogMel"/> that owns its values.</summary>
/// <param name="Bands">F.</param>
/// <param name="Frames">T.</param>
/// <param name="SilenceFrom">The first frame that differs when the clip is followed by silence.</param>
/// <param name="Values">[T + R, F].</param>
internal sealed record OwnedLogMel(int Bands, int Frames, int SilenceFrom, float[] Values)
{
    /// <summary>The same, to crop from.</summary>
    public ClipLogMel View => new(Bands, Frames, SilenceFrom, Values);

    /// <summary>Memory taken by the values.</summary>
    public long Bytes => Values.LongLength * sizeof(float);
}

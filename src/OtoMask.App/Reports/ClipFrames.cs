using OtoMask.Audio;

namespace OtoMask.App.Reports;

/// <summary>Brings a clip's log-mel in the form that masks are drawn on and pictures made of.</summary>
internal static class ClipFrames
{
    /// <summary>The first round(seconds * 100) frames: centred frames give one more than a clip has hops.</summary>
    public static LogMel WithinSeconds(LogMel logMel, double seconds) => logMel.Part(0, Math.Clamp((int)Math.Round(seconds * 100), 1, logMel.Frames));

    /// <summary>[F, T] of its first frames, followed by silence where it is shorter.</summary>
    public static float[] WholePatches(LogMel logMel, int frames)
    {
        float[] values = new float[logMel.Bands * frames];
        Array.Fill(values, LogMel.Silence);
        int kept = Math.Min(frames, logMel.Frames);
        for (int band = 0; band < logMel.Bands; band++)
            logMel.Values.AsSpan(band * logMel.Frames, kept).CopyTo(values.AsSpan(band * frames));
        return values;
    }

    /// <summary>The values less their mean and over their deviation: what stands in for a data set's.</summary>
    public static float[] Normalised(float[] values)
    {
        double mean = values.Average(value => (double)value);
        double deviation = Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
        return [.. values.Select(value => (float)((value - mean) / Math.Max(deviation, 1e-6)))];
    }
}

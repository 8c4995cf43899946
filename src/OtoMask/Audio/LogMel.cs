namespace OtoMask.Audio;

/// <summary>A log-mel spectrogram: natural log of (mel power + 1.1920929e-07).</summary>
/// <param name="Bands">F, mel bands, the lowest first.</param>
/// <param name="Frames">T, frames in time.</param>
/// <param name="Values">[F, T], band after band.</param>
public sealed record LogMel(int Bands, int Frames, float[] Values)
{
    /// <summary>Added to the mel power before the log: the machine epsilon of float32.</summary>
    public const float PowerFloor = 1.1920929e-07f;

    /// <summary>The value of digital silence, log(1.1920929e-07).</summary>
    public const float Silence = -15.942385f;

    /// <summary>Some of its frames, in an array of their own.</summary>
    internal LogMel Part(int firstFrame, int frames)
    {
        var values = new float[Bands * frames];
        for (int band = 0; band < Bands; band++)
            Values.AsSpan(band * Frames + firstFrame, frames).CopyTo(values.AsSpan(band * frames));
        return new LogMel(Bands, frames, values);
    }
}

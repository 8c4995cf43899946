namespace OtoMask.Audio;

/// <summary>What an audio file's header says; only decoding shows whether it is true.</summary>
/// <param name="SampleRate">Frames a second, in Hz.</param>
/// <param name="Channels">Channels, 1 for mono.</param>
/// <param name="Frames">Samples of each channel; 0 where the header does not tell.</param>
/// <param name="Format">Container and encoding in words, for example "FLAC (Free Lossless Audio Codec), Signed 16 bit PCM".</param>
public sealed record AudioInfo(int SampleRate, int Channels, long Frames, string Format)
{
    /// <summary>Duration in seconds.</summary>
    public double Seconds => (double)Frames / SampleRate;
}

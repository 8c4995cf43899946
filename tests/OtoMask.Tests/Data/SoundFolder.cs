using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Randomness;

namespace OtoMask.Tests.Data;

/// <summary>A temporary folder of generated recordings; gone after the test.</summary>
internal sealed class SoundFolder : IDisposable
{
    public const int Rate = 16000;

    public static ClipSourceOptions Options { get; } = new(LogMelSettings.Default);

    public string Path { get; } = Directory.CreateTempSubdirectory("otomask-data-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public ClipSource Open(ClipSourceOptions? options = null) => ClipSource.Open(Path, options ?? Options);

    /// <summary>Noise under a sine, different for every seed.</summary>
    public static float[] Sound(double seconds, int seed, int rate = Rate)
    {
        var random = new RandomStream((ulong)seed, RandomPurpose.Probe);
        float[] samples = new float[(int)Math.Round(seconds * rate)];
        double pitch = 100 + 50 * (seed % 60);
        for (int i = 0; i < samples.Length; i++)
            samples[i] = (float)(0.3 * Math.Sin(2 * Math.PI * pitch * i / rate) + 0.2 * (random.NextDouble() - 0.5));
        return samples;
    }

    public SoundFolder Add(string name, double seconds, int seed, int rate = Rate)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(this[name])!);
        AudioFile.WriteWav(this[name], Sound(seconds, seed, rate), rate);
        return this;
    }

    /// <summary>Clips 00.wav, 01.wav, ... of 0.3 to 1.5 s.</summary>
    public SoundFolder AddClips(int count)
    {
        for (int clip = 0; clip < count; clip++)
            Add($"{clip:00}.wav", 0.3 + clip % 5 * 0.3, clip);
        return this;
    }

    public SoundFolder AddText(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this;
    }
}

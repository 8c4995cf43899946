using System.Diagnostics;
using OtoMask.Audio;

namespace OtoMask.Tests.Audio;

/// <summary>A folder of sound files made for one test by libsndfile's own writers; gone with the test.</summary>
/// <param name="folder">The folder, which is there.</param>
internal sealed class SoundFiles(string folder) : IDisposable
{
    public const int WavPcm16 = 0x010002, WavFloat = 0x010006, Flac16 = 0x170002, OggVorbis = 0x200060, OggOpus = 0x200064, Mp3 = 0x230082;

    public SoundFiles()
        : this(Directory.CreateTempSubdirectory("otomask-audio-").FullName)
    {
    }

    public string Folder { get; } = folder;

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Writes interleaved samples in one of libsndfile's formats.</summary>
    public string Write(string name, int format, float[] interleaved, int sampleRate, int channels = 1)
    {
        string path = PathOf(name);
        using FileStream stream = new(path, FileMode.Create, FileAccess.ReadWrite);
        SndFile.Info header = new() { SampleRate = sampleRate, Channels = channels, Format = format };
        using SndFile sound = SndFile.Open(stream.SafeFileHandle, SndFile.ModeWrite, ref header);
        Assert.False(sound.IsInvalid, sound.OpenProblem);
        Assert.Equal(interleaved.Length / channels, sound.WriteFrames(interleaved, channels));
        return path;
    }

    /// <summary>Has ffmpeg make another file of one.</summary>
    public string Encode(string source, string name, params string[] options)
    {
        using Process ffmpeg = Process.Start("ffmpeg", ["-v", "error", "-nostdin", "-y", "-i", source, .. options, PathOf(name)]);
        ffmpeg.WaitForExit();
        Assert.Equal(0, ffmpeg.ExitCode);
        return PathOf(name);
    }

    /// <summary>One file after the other in one, as cat does.</summary>
    public string Join(string name, params string[] paths) => WriteBytes(name, [.. paths.SelectMany(File.ReadAllBytes)]);

    public string WriteBytes(string name, byte[] bytes)
    {
        File.WriteAllBytes(PathOf(name), bytes);
        return PathOf(name);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>A sine wave from phase 0.</summary>
    public static float[] Tone(double hz, double seconds, int sampleRate, double amplitude = 0.5) =>
        [.. Enumerable.Range(0, (int)(seconds * sampleRate)).Select(i => (float)(amplitude * Math.Sin(2 * Math.PI * hz * i / sampleRate)))];

    /// <summary>The amplitude of the sine wave of <paramref name="hz"/> within the samples.</summary>
    public static double AmplitudeAt(double hz, ReadOnlySpan<float> samples, int sampleRate)
    {
        double re = 0, im = 0;
        for (int i = 0; i < samples.Length; i++)
        {
            (double sine, double cosine) = Math.SinCos(2 * Math.PI * hz * i / sampleRate);
            re += samples[i] * cosine;
            im += samples[i] * sine;
        }
        return 2 * Math.Sqrt(re * re + im * im) / samples.Length;
    }
}

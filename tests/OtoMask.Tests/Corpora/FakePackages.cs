using OtoMask.Audio;
using OtoMask.Corpora;
using OtoMask.Randomness;

namespace OtoMask.Tests.Corpora;

/// <summary>A temporary folder with a package cache that looks like the real one: the same paths, generated audio.</summary>
internal sealed class FakePackages : IDisposable
{
    private int sounds;

    public FakePackages() => Cache = Path.Combine(Root, "packages");

    public string Root { get; } = Directory.CreateTempSubdirectory("otomask-corpora-").FullName;

    public string Cache { get; }

    public DebianPackages Packages => new(Cache);

    public ClipLibrary Library(IProgress<WorkProgress>? progress = null) => new(Path.Combine(Root, "library"), Packages, progress);

    /// <summary>Adds a file of noise, different from every other; <paramref name="relativePath"/> starts at the package's root.</summary>
    public string AddSound(string package, string relativePath, double seconds = 0.2) => AddSound(package, relativePath, Noise(sounds++, seconds));

    /// <summary>Noise; another one for every number.</summary>
    public static float[] Noise(int number, double seconds = 0.2)
    {
        var random = new RandomStream(1, RandomPurpose.Crop, index: number);
        float[] samples = new float[(int)(seconds * ClipLibrary.SampleRate)];
        for (int i = 0; i < samples.Length; i++)
            samples[i] = (float)Math.Clamp(0.4 * random.NextNormal(), -1, 1);
        return samples;
    }

    public string AddSound(string package, string relativePath, float[] samples)
    {
        string path = PathOf(package, relativePath);
        AudioFile.WriteFlac(path, samples, ClipLibrary.SampleRate);
        return path;
    }

    public string PathOf(string package, string relativePath)
    {
        string path = Path.Combine(Cache, package + "_1.0-1", relativePath);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        return path;
    }

    /// <summary>Two speakers saying <paramref name="syllables"/> (Bopomofo) in four tones.</summary>
    public void AddSyllables(params string[] syllables)
    {
        foreach (string syllable in syllables)
        {
            foreach (string tone in new[] { "", "2", "3", "4" })
            {
                AddSound("gcin-voice", $"usr/share/gcin-voice/ogg/{syllable}{tone}/3.ogg");
                AddSound("gcin-voice", $"usr/share/gcin-voice/ogg/{syllable}{tone}/5.ogg");
            }
        }
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

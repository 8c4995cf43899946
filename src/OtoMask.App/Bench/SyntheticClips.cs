using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Randomness;

namespace OtoMask.App.Bench;

/// <summary>Made-up log-mels, as a data set for timing: a temporary folder of .npy files that goes with <see cref="Dispose"/>.</summary>
internal sealed class SyntheticClips : IDisposable
{
    private const int Count = 32;

    public SyntheticClips(InputGeometry geometry, ulong seed)
    {
        Folder = Directory.CreateTempSubdirectory("otomask-bench-").FullName;
        int frames = geometry.Frames + geometry.Frames / 4; // room to crop
        for (int clip = 0; clip < Count; clip++)
            NpyFile.Write(Path.Combine(Folder, $"{clip:D3}.npy"), Draw(seed, clip, geometry.Bands, frames), geometry.Bands, frames);
    }

    /// <summary>Where the clips are.</summary>
    public string Folder { get; }

    /// <summary>A log-mel [bands, frames] of noise whose loudness wanders, so that patches differ in dispersion.</summary>
    public static float[] Draw(ulong seed, int clip, int bands, int frames)
    {
        var random = new RandomStream(seed, RandomPurpose.Crop, index: clip);
        var values = new float[bands * frames];
        double loudness = 0;
        for (int frame = 0; frame < frames; frame++)
        {
            loudness = 0.95 * loudness + 0.3 * random.NextNormal();
            for (int band = 0; band < bands; band++)
                values[band * frames + frame] = (float)(Math.Exp(loudness) * (random.NextSingle() - 0.5f));
        }
        return values;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}

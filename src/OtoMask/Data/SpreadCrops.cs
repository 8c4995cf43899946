using OtoMask.Audio;
using OtoMask.Geometry;
using OtoMask.Randomness;

namespace OtoMask.Data;

/// <summary>Crops of clips that are evenly spread over a data set, for whoever wants to look at a little of everything.</summary>
internal static class SpreadCrops
{
    /// <summary>Reads crops of the model's input size, not normalised; the same at every call.</summary>
    /// <param name="source">The data.</param>
    /// <param name="input">The size of a crop.</param>
    /// <param name="seed">Decides with <paramref name="draw"/> where clips are cropped.</param>
    /// <param name="draw">A number for each purpose, so that two purposes see different crops; the normalisation statistics have 0.</param>
    /// <param name="count">How many; a set of fewer clips gives several of each.</param>
    /// <param name="shortClips">What follows a clip shorter than the input.</param>
    /// <param name="badFiles">Is told of clips that cannot be read; they are left out.</param>
    public static IReadOnlyList<LogMel> Read(
        ClipSource source, InputGeometry input, ulong seed, int draw, int count, ShortClips shortClips, BadFiles badFiles)
    {
        List<LogMel> crops = [];
        for (int i = 0; i < count; i++)
        {
            var window = new float[input.InputSize];
            int clip = (int)((long)i * source.Clips.Count / count);
            try
            {
                source.ReadCrop(clip, new RandomStream(seed, RandomPurpose.Statistics, draw, i), input.Frames, shortClips, window);
                crops.Add(new LogMel(input.Bands, input.Frames, window));
            }
            catch (BadClipException bad)
            {
                badFiles.Add(bad.Path, bad.Reason);
            }
        }
        return crops;
    }
}

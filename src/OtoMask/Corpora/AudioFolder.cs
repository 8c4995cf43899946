using OtoMask.Audio;

namespace OtoMask.Corpora;

/// <summary>The audio files of an unpacked folder.</summary>
internal static class AudioFolder
{
    /// <summary>All of them, in folders below too, in an order that never changes.</summary>
    public static string[] Files(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(AudioFile.HasAudioExtension).Order(StringComparer.Ordinal)];

    /// <summary>A name for the clip of a file: its path below <paramref name="folder"/> without extension, in one level.</summary>
    public static string ClipName(string folder, string path) => Path.ChangeExtension(Path.GetRelativePath(folder, path), null).Replace('/', '-').Replace(' ', '_');
}

using System.Globalization;
using CsvHelper;
using OtoMask.Data;

namespace OtoMask.Corpora;

/// <summary>One clip of an assembled source.</summary>
/// <param name="FileName">FLAC file, relative to the manifest's folder.</param>
/// <param name="Sha256">Lower-case hex SHA-256 of its 16-bit little-endian samples at 16 kHz: what the sound is, whatever the file's encoding.</param>
/// <param name="Seconds">Length.</param>
/// <param name="Package">Debian package it comes from.</param>
/// <param name="Version">Version of that package.</param>
/// <param name="Licence">Licence that package states.</param>
/// <param name="Tags">What is known about the sound.</param>
internal sealed record ManifestClip(
    string FileName,
    string Sha256,
    double Seconds,
    string Package,
    string Version,
    string Licence,
    IReadOnlyDictionary<string, string> Tags);

/// <summary>The table of an assembled source: what each clip is, where it comes from, and its content hash.</summary>
internal static class ClipManifest
{
    private static readonly string[] FixedColumns = ["file_name", "sha256", "seconds", "package", "version", "licence"];

    public static void Write(string path, IReadOnlyList<ManifestClip> clips)
    {
        string[] tags = [.. clips.SelectMany(clip => clip.Tags.Keys).Distinct()];
        TableFile.Write(path, [.. FixedColumns, .. tags], clips.Select(clip => (string[])
        [
            clip.FileName, clip.Sha256, clip.Seconds.ToString("0.0000", CultureInfo.InvariantCulture), clip.Package, clip.Version, clip.Licence,
            .. tags.Select(tag => clip.Tags[tag]),
        ]));
    }

    /// <exception cref="UserErrorException">The file is not such a table: someone edited it.</exception>
    public static IReadOnlyList<ManifestClip> Read(string path)
    {
        try
        {
            using CsvReader csv = CsvReader.Create(InputFile.ReadUtf8(path, InputFile.LargestTable), CsvReaderOptions.Default);
            List<ManifestClip> clips = [];
            while (csv.Read())
            {
                clips.Add(new ManifestClip(
                    csv.GetString("file_name"),
                    csv.GetString("sha256"),
                    csv.Parse<double>("seconds"),
                    csv.GetString("package"),
                    csv.GetString("version"),
                    csv.GetString("licence"),
                    csv.Headers!.Except(FixedColumns).ToDictionary(tag => tag, tag => csv.GetString(tag))));
            }
            return clips;
        }
        catch (CsvFormatException problem)
        {
            throw new UserErrorException($"{path} is not a clip manifest; delete its folder and it is assembled anew", problem);
        }
    }
}

using System.Collections;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OtoMask.Data;

/// <summary>One recording of a data set.</summary>
/// <param name="Name">Its name in the set: the path relative to the folder, with forward slashes, or the CSV's <c>file_name</c>.</param>
/// <param name="Path">Where it lies; of a clip in a cache, the name again.</param>
/// <param name="Bytes">Size of the file in bytes; 0 when there is no such file.</param>
public sealed record Clip(string Name, string Path, long Bytes);

/// <summary>The recordings of a data set in their fixed order. The position of a clip is its index wherever random numbers are drawn.</summary>
public sealed class ClipList : IReadOnlyList<Clip>
{
    private readonly Clip[] clips;

    /// <summary>Takes the clips in the order given and hashes their manifest.</summary>
    public ClipList(IEnumerable<Clip> clips)
    {
        this.clips = [.. clips];
        ManifestHash = HashManifest(this.clips);
    }

    /// <summary>
    /// SHA-256, in lower-case hexadecimal, of one UTF-8 line <c>name TAB bytes LF</c> for each clip in order. It tells whether a
    /// run goes on with the data it began with; it follows names, sizes and order and does not read the contents.
    /// A cache made of a data set has the hash of that data set.
    /// </summary>
    public string ManifestHash { get; }

    /// <inheritdoc/>
    public int Count => clips.Length;

    /// <inheritdoc/>
    public Clip this[int index] => clips[index];

    /// <inheritdoc/>
    public IEnumerator<Clip> GetEnumerator() => ((IEnumerable<Clip>)clips).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => clips.GetEnumerator();

    private static string HashManifest(Clip[] clips)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Clip clip in clips)
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{clip.Name}\t{clip.Bytes}\n")));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

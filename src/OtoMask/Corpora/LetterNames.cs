using System.Xml.Linq;

namespace OtoMask.Corpora;

/// <summary>Which letter each file of a language of <c>klettres-data</c> names, as the language's <c>sounds.xml</c> says.</summary>
internal static class LetterNames
{
    /// <summary>The letters of one language by file name, <c>a</c> .. <c>z</c>; without letters of another alphabet, or with a sign, and without files that several letters share.</summary>
    /// <param name="folder">The language's folder; one without <c>sounds.xml</c> names none.</param>
    /// <exception cref="UserErrorException">The file cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> Read(string folder)
    {
        string path = Path.Combine(folder, "sounds.xml");
        if (!File.Exists(path))
            return new Dictionary<string, string>();
        return PackagedXml.Read(path, table => table.Descendants("alphabet").Elements("sound")
            .GroupBy(sound => Path.GetFileName((string?)sound.Attribute("file") ?? ""), sound => ((string?)sound.Attribute("name") ?? "").Trim().ToLowerInvariant())
            .Where(file => file.Distinct().Count() == 1 && file.First() is [>= 'a' and <= 'z'])
            .ToDictionary(file => file.Key, file => file.First()));
    }
}

using System.Xml;
using System.Xml.Linq;

namespace OtoMask.Corpora;

/// <summary>XML files of unpacked packages.</summary>
internal static class PackagedXml
{
    /// <summary>What <paramref name="tell"/> makes of a file.</summary>
    /// <exception cref="UserErrorException">The file is not there, or is no XML.</exception>
    public static T Read<T>(string path, Func<XDocument, T> tell)
    {
        try
        {
            return tell(XDocument.Load(path));
        }
        catch (Exception problem) when (problem is XmlException or IOException)
        {
            throw new UserErrorException($"{path} cannot be read ({problem.Message}); delete the package's folder and try again", problem);
        }
    }
}

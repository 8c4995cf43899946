using System.Security.Cryptography;
using System.Text;

namespace OtoMask.Studies;

/// <summary>A name that people chose, as the name of a folder. Different names give different folders, and none leads out of where it belongs.</summary>
internal static class FolderName
{
    private const int Longest = 200, KeptOfLonger = 100; // a file system takes 255 bytes

    /// <summary>The name itself where it is of letters, digits, dots, hyphens and underscores (ASCII). Any other byte of its UTF-8 is written as
    /// <c>%XX</c>, and so are the dots of a name that is nothing else; of a long one the beginning and a hash are left.</summary>
    /// <remarks>Names that differ in case alone are different folders only where the file system says so: <see cref="StudyConfig.Validate"/> refuses them.</remarks>
    public static string Of(string name)
    {
        bool isDots = name.All(letter => letter == '.');
        var folder = new StringBuilder();
        foreach (byte letter in Encoding.UTF8.GetBytes(name))
        {
            if (IsPlain((char)letter) && !isDots)
                folder.Append((char)letter);
            else
                folder.Append('%').Append(letter.ToString("X2"));
        }
        return folder.Length <= Longest
            ? folder.ToString()
            : $"{folder.ToString(0, KeptOfLonger)}~{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..32]}"; // no other name has a ~
    }

    private static bool IsPlain(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_';
}

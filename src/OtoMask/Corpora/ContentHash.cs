using System.Security.Cryptography;
using System.Text;

namespace OtoMask.Corpora;

/// <summary>One hash for a whole set of clips.</summary>
internal static class ContentHash
{
    /// <summary>Lower-case hex SHA-256 over <paramref name="rows"/>, in whatever order they come.</summary>
    public static string Of(IEnumerable<string> rows) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(rows.Order(StringComparer.Ordinal).Select(row => row + "\n")))));
}

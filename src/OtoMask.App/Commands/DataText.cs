using System.Globalization;

namespace OtoMask.App.Commands;

/// <summary>Numbers of data sets as people read them, the same in every language setting.</summary>
internal static class DataText
{
    public static string Count(int count) => count.ToString(CultureInfo.InvariantCulture);

    /// <summary>Bytes in MB, rounded up: 0 is nothing at all.</summary>
    public static string Megabytes(long bytes) => Math.Ceiling(bytes / 1e6).ToString("0", CultureInfo.InvariantCulture);

    public static string Duration(double seconds) => seconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0.0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.00} hours"),
    };
}

using CsvHelper;

namespace OtoMask.Data;

/// <summary>Writes CSV files (RFC 4180, lines ending in LF) that are whole or absent.</summary>
internal static class TableFile
{
    /// <summary>Writes a header and rows of as many fields.</summary>
    public static void Write(string path, string[] header, IEnumerable<string[]> rows) => AtomicFile.Write(path, stream => Write(stream, header, rows));

    /// <summary>Writes the same to a stream, which stays the caller's.</summary>
    public static void Write(Stream stream, string[] header, IEnumerable<string[]> rows)
    {
        using CsvWriter csv = CsvWriter.Create(stream, CsvWriterOptions.Default with { NewLine = "\n" }, leaveOpen: true);
        csv.WriteHeader(header);
        foreach (string[] row in rows)
            csv.WriteRecord(row);
    }
}

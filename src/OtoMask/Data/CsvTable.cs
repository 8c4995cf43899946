using CsvHelper;

namespace OtoMask.Data;

/// <summary>One row of a <see cref="CsvTable"/>.</summary>
/// <param name="Line">Line of the file where it begins, from 1.</param>
/// <param name="Fields">The values of the columns asked for, trimmed; empty where the file has no such column.</param>
internal sealed record CsvRow(int Line, string[] Fields);

/// <summary>Reads CSV files with a header, with errors that name the file, the line and the remedy.</summary>
internal static class CsvTable
{
    private static readonly CsvReaderOptions Options = CsvReaderOptions.Default with
    {
        Separator = ',',
        TrimWhitespace = true,
        TrackLineNumbers = true,
        MaxRecordSize = 1 << 20,
        MalformedData = CsvMalformedDataHandling.Throw,
        FieldCountMismatch = CsvFieldCountHandling.Throw,
    };

    private static readonly KeyValuePair<char, string>[] OtherSeparators = [new('\t', "tabs"), new(';', "semicolons"), new('|', "bars (|)")];

    /// <summary>Reads the columns <paramref name="required"/> and, where present, <paramref name="optional"/>, in this order.</summary>
    /// <exception cref="UserErrorException">The file is missing, not readable, empty, not CSV in UTF-8, or lacks a required column.</exception>
    public static IReadOnlyList<CsvRow> Read(string path, string[] required, string[]? optional = null)
    {
        try
        {
            using var csv = CsvReader.Create(InputFile.ReadUtf8(path, InputFile.LargestTable), Options);
            if (csv.Headers.Count == 0)
                throw new UserErrorException($"{path} is empty: its first line must name the columns {string.Join(',', required)}");
            int[] columns = FindColumns(path, [.. csv.Headers], required, optional ?? []);
            List<CsvRow> rows = [];
            while (csv.Read())
            {
                rows.Add(new CsvRow((int)csv.LineNumber, [.. columns.Select(column => column < 0 ? "" : csv.GetString(column))]));
            }
            return rows;
        }
        catch (CsvFormatException error)
        {
            throw new UserErrorException($"{path}, line {error.LineNumber}: {error.Message}; quote fields that hold commas, and double the quotation marks in them", error);
        }
    }

    private static int[] FindColumns(string path, string[] header, string[] required, string[] optional)
    {
        foreach (string name in required)
        {
            if (!header.Contains(name) && header is [var only] && OtherSeparators.FirstOrDefault(other => only.Contains(other.Key)) is { Value: { } separator })
                throw new UserErrorException($"{path}: its columns are separated by {separator}; save it with commas between them");
            if (!header.Contains(name))
                throw new UserErrorException($"{path} has no column '{name}': its columns are {InputFile.Quotable(string.Join(", ", header))}; rename or add one");
        }
        foreach (string name in header.GroupBy(name => name).Where(group => group.Count() > 1).Select(group => group.Key))
        {
            if (required.Contains(name) || optional.Contains(name))
                throw new UserErrorException($"{path} has two columns '{name}': keep one");
        }
        return [.. required.Concat(optional).Select(name => Array.IndexOf(header, name))];
    }
}

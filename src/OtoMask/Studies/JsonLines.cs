using System.Text.Json;

namespace OtoMask.Studies;

/// <summary>A file of one JSON object a line, to which lines are added and which may have been cut short by a crash.</summary>
internal static class JsonLines
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>The whole lines of a file; none where there is no file. A last line without its end belongs to a write that was cut short.</summary>
    /// <exception cref="UserErrorException">A line is not what it should be, or the file cannot be read.</exception>
    public static IReadOnlyList<T> Read<T>(string path)
    {
        List<T> rows = [];
        string[] lines = WholeLines(path);
        for (int i = 0; i < lines.Length; i++)
        {
            try
            {
                rows.Add(JsonSerializer.Deserialize<T>(lines[i], Options) ?? throw new JsonException("null"));
            }
            catch (JsonException error)
            {
                throw new UserErrorException($"{path}, line {i + 1}: no {typeof(T).Name} ({error.Message}); mend or remove the line", error);
            }
        }
        return rows;
    }

    /// <summary>Adds lines in one write and puts them on the disk; drops a line that a crash had cut short.</summary>
    /// <exception cref="IOException">The disk is full or failed; what was there stays.</exception>
    public static void Append<T>(string path, IEnumerable<T> rows) => Write(path, WholeLines(path), rows);

    /// <summary>The same in place of the lines that <paramref name="isOld"/> names, which go in the same write.</summary>
    /// <exception cref="UserErrorException">A line is not what it should be, or the file cannot be read.</exception>
    /// <exception cref="IOException">The disk is full or failed; what was there stays.</exception>
    public static void Replace<T>(string path, Func<T, bool> isOld, IEnumerable<T> rows) =>
        Write(path, Read<T>(path).Zip(WholeLines(path)).Where(line => !isOld(line.First)).Select(line => line.Second), rows);

    private static void Write<T>(string path, IEnumerable<string> kept, IEnumerable<T> rows) =>
        AtomicFile.WriteAllText(path, string.Concat(kept.Concat(rows.Select(row => JsonSerializer.Serialize(row, Options))).Select(line => line + "\n")));

    /// <summary>The lines of a file but for a last one without its end; none where there is no file.</summary>
    private static string[] WholeLines(string path) => File.Exists(path) ? InputFile.ReadText(path, InputFile.LargestTable).Split('\n')[..^1] : [];
}

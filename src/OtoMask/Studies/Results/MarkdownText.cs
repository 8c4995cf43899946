using System.Text;

namespace OtoMask.Studies.Results;

/// <summary>Writes a study's tables in GitHub's Markdown.</summary>
internal static class MarkdownText
{
    /// <summary>The answers, the tables, what is missing.</summary>
    public static string Of(StudyResults results, IReadOnlyList<StudyTable> tables)
    {
        var text = new StringBuilder();
        foreach (FrameworkVerdict verdict in StudyVerdict.Of(results))
            text.Append($"- {Escape(verdict.Answer)}\n- {Escape(verdict.Floor)}\n");
        foreach ((int i, StudyTable table) in tables.Index())
            Append(text, table, isNoteKnown: tables.Take(i).Any(earlier => earlier.Note == table.Note));
        string[] missing = [.. results.Missing, .. results.LeftOut > 0 ? [$"{results.LeftOut} rows were left out: the study names no such arm, seed, task or probe"] : Array.Empty<string>()];
        if (missing.Length > 0)
            text.Append($"\n### Missing\n\n{string.Concat(missing.Select(line => $"- {Escape(line)}\n"))}");
        return text.ToString();
    }

    private static void Append(StringBuilder text, StudyTable table, bool isNoteKnown)
    {
        text.Append($"\n### {Escape(table.Title)}\n\n");
        Line(text, ["", .. table.Columns.Select(Escape)]);
        Line(text, ["---", .. table.Columns.Select(_ => "---:")]);
        foreach (TableRow row in table.Rows)
            Line(text, [Escape(row.Name), .. row.Cells.Select(cell => cell.IsStrong ? $"**{Escape(cell.Text)}**" : Escape(cell.Text))]);
        if (!isNoteKnown)
            text.Append($"\n{Escape(table.Note)}\n");
    }

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append($"| {string.Join(" | ", cells)} |\n");

    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (char letter in text)
            escaped.Append(letter is '\\' or '|' or '*' or '_' or '`' or '<' or '~' ? $"\\{letter}" : char.IsControl(letter) ? " " : letter.ToString());
        return escaped.ToString();
    }
}

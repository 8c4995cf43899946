using System.Text;

namespace OtoMask.Studies.Results;

/// <summary>Writes a study's tables in LaTeX with the rules of <c>booktabs</c>; a table too wide for a page is cut into several.</summary>
internal static class LatexText
{
    /// <summary>The tables; the answers and what is missing as comments above them.</summary>
    public static string Of(StudyResults results, IReadOnlyList<StudyTable> tables)
    {
        var text = new StringBuilder("% \\usepackage{booktabs}\n");
        foreach (FrameworkVerdict verdict in StudyVerdict.Of(results))
            text.Append($"% {OneLine.Of(verdict.Answer)}\n% {OneLine.Of(verdict.Floor)}\n");
        foreach (string line in results.Missing)
            text.Append($"% missing: {OneLine.Of(line)}\n");
        foreach (StudyTable table in tables)
            Append(text, table);
        return text.ToString();
    }

    private static void Append(StringBuilder text, StudyTable table)
    {
        text.Append($"\n\\begin{{table}}[htbp]\n\\centering\\footnotesize\n\\caption{{{Escape(table.Title)}. {Escape(table.Note)}}}\n");
        foreach (int[] columns in Enumerable.Range(0, table.Columns.Count).Chunk(table.ColumnsOfPage))
        {
            text.Append($"\\begin{{tabular}}{{l{new string('r', columns.Length)}}}\n\\toprule\n");
            Line(text, ["", .. columns.Select(column => Escape(table.Columns[column]))]);
            text.Append("\\midrule\n");
            foreach (TableRow row in table.Rows)
            {
                if (row.BeginsGroup)
                    text.Append("\\midrule\n");
                Line(text, [Escape(row.Name), .. columns.Select(column => Cell(row.Cells[column]))]);
            }
            text.Append("\\bottomrule\n\\end{tabular}\n\n");
        }
        text.Append("\\end{table}\n");
    }

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append($"{string.Join(" & ", cells)} \\\\\n");

    private static string Cell(TableCell cell) => cell.IsStrong ? $"\\textbf{{{Numbers(cell.Text)}}}" : Numbers(cell.Text);

    /// <summary>Cells hold numbers, so their hyphens are minus signs.</summary>
    private static string Numbers(string text) => Escape(text).Replace("-", "$-$", StringComparison.Ordinal);

    private static string Escape(string text) => string.Concat(OneLine.Of(text).Select(letter => letter switch
    {
        '\\' => "\\textbackslash{}",
        '~' => "\\textasciitilde{}",
        '^' => "\\textasciicircum{}",
        '<' => "\\textless{}",
        '>' => "\\textgreater{}",
        '|' => "\\textbar{}",
        '±' => "$\\pm$",
        '&' or '%' or '$' or '#' or '_' or '{' or '}' => $"\\{letter}",
        _ => letter.ToString(),
    }));
}

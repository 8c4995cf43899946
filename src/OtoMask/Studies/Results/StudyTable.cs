namespace OtoMask.Studies.Results;

/// <summary>A cell of a table.</summary>
/// <param name="Text">Plain text; a minus is written <c>-</c>.</param>
/// <param name="IsStrong">Whether it stands out.</param>
internal readonly record struct TableCell(string Text, bool IsStrong = false);

/// <summary>A row of a table.</summary>
/// <param name="Name">What stands before it.</param>
/// <param name="Cells">One for each column.</param>
/// <param name="BeginsGroup">Whether a rule is drawn above it, where there are rules.</param>
internal sealed record TableRow(string Name, IReadOnlyList<TableCell> Cells, bool BeginsGroup = false);

/// <summary>A table before it is Markdown or LaTeX.</summary>
/// <param name="Title">What it shows.</param>
/// <param name="Note">How to read it.</param>
/// <param name="Columns">Names of the columns after the first.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="ColumnsOfPage">As many columns as a printed page has room for.</param>
internal sealed record StudyTable(string Title, string Note, IReadOnlyList<string> Columns, IReadOnlyList<TableRow> Rows, int ColumnsOfPage);

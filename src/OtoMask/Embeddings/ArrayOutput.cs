using System.Globalization;

using OtoMask.Data;
using OtoMask.Interop;

namespace OtoMask.Embeddings;

/// <summary>Rows in one array, <c>.npy</c> or safetensors, and beside it a CSV with the rows of each clip.</summary>
/// <param name="writer">Writes the rows.</param>
/// <param name="table">Receives the CSV when all rows are there; it stays the caller's.</param>
internal sealed class ArrayOutput(RowWriter writer, Stream table) : EmbeddingOutput
{
    private static readonly string[] Columns = ["file_name", "first_row", "rows", "seconds"];
    private readonly List<string[]> index = [];
    private string clip = "";
    private long firstRow;

    public override long Rows => writer.Rows;

    public override void Begin(string name) => (clip, firstRow) = (name, writer.Rows);

    public override void Add(ReadOnlySpan<float> rows) => writer.Append(rows);

    public override void End(double seconds) => index.Add(
        [clip, Text($"{firstRow}"), Text($"{writer.Rows - firstRow}"), Text($"{seconds:0.##}")]);

    public override void Drop() => writer.Truncate(firstRow);

    public override void Complete()
    {
        writer.Complete();
        TableFile.Write(table, Columns, index);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

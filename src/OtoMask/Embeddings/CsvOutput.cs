using System.Globalization;

using CsvHelper;

namespace OtoMask.Embeddings;

/// <summary>Rows as CSV: <c>file_name</c>, for frames <c>start</c> in seconds, then the numbers.</summary>
internal sealed class CsvOutput : EmbeddingOutput
{
    private readonly FileStream stream;
    private readonly CsvWriter csv;
    private readonly RowShape shape;
    private string clip = "";
    private long rows, clipRow, clipPosition;

    public CsvOutput(FileStream stream, RowShape shape)
    {
        (this.stream, this.shape) = (stream, shape);
        csv = CsvWriter.Create(stream, CsvWriterOptions.Default with { NewLine = "\n" }, leaveOpen: true);
        csv.WriteHeader([.. Header(shape)]);
    }

    public override long Rows => rows;

    public override void Begin(string name)
    {
        csv.Flush();
        (clip, clipRow, clipPosition) = (name, rows, stream.Position);
    }

    public override void Add(ReadOnlySpan<float> values)
    {
        for (; !values.IsEmpty; values = values[shape.Values..], rows++)
        {
            csv.WriteField(clip);
            if (shape.Per == EmbeddingRow.Frame)
                csv.WriteField(((rows - clipRow) * shape.SecondsPerFrame).ToString("0.###", CultureInfo.InvariantCulture));
            foreach (float value in values[..shape.Values])
                csv.WriteField(value, "R", CultureInfo.InvariantCulture);
            csv.EndRecord();
        }
    }

    public override void End(double seconds)
    {
    }

    public override void Drop()
    {
        csv.Flush();
        stream.SetLength(clipPosition);
        stream.Position = clipPosition;
        rows = clipRow;
    }

    public override void Complete() => csv.Dispose();

    private static IEnumerable<string> Header(RowShape shape)
    {
        yield return "file_name";
        if (shape.Per == EmbeddingRow.Frame)
            yield return "start";
        for (int i = 0; i < shape.Values; i++)
            yield return shape.Layers == 0 ? $"e{i}" : $"l{i / shape.Width + 1}_e{i % shape.Width}";
    }
}

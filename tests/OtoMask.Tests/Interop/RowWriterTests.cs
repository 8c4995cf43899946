using OtoMask.Interop;

namespace OtoMask.Tests.Interop;

/// <summary>Arrays whose length is known only at the end.</summary>
public sealed class RowWriterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0), InlineData(1), InlineData(1234)]
    public void AnArrayIsReadBack(int rows)
    {
        float[] values = [.. Enumerable.Range(0, rows * 6).Select(i => i * 0.5f)];
        string path = folder.File("a.npy");
        AtomicFile.Write(path, stream => Fill(new NpyRowWriter(stream, 2, 3), values));
        NpyArray array = NpyFile.Read(path);
        Assert.Equal([rows, 2, 3], array.Shape);
        Assert.Equal(values, array.Values);
        Assert.Equal(0, NpyFile.ReadHeader(path).DataOffset % 64);
    }

    [Theory]
    [InlineData(0), InlineData(1), InlineData(1234)]
    public void ATensorIsReadBackAndItsChecksumHolds(int rows)
    {
        float[] values = [.. Enumerable.Range(0, rows * 6).Select(i => i * 0.5f)];
        string path = folder.File("a.safetensors");
        AtomicFile.Write(path, stream => Fill(new SafetensorsRowWriter(stream, "embeddings", new Dictionary<string, string> { ["format"] = "pt" }, 6), values));
        SafetensorsContent content = SafetensorsFile.Read(path, requireChecksum: true);
        Assert.Equal("pt", content.Metadata["format"]);
        HostTensor tensor = content.Tensors["embeddings"];
        Assert.Equal([rows, 6], tensor.Shape);
        Assert.Equal(values, tensor.ToFloats());

        if (rows == 0)
            return;
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Contains("checksum", Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(path)).Message);
    }

    [Fact]
    public void RowsCanBeTakenBack()
    {
        string path = folder.File("a.npy");
        AtomicFile.Write(path, stream =>
        {
            var writer = new NpyRowWriter(stream, 2);
            writer.Append([1, 2, 3, 4, 5, 6]);
            writer.Truncate(1);
            Assert.Equal(1, writer.Rows);
            writer.Append([7, 8]);
            writer.Complete();
        });
        Assert.Equal([1, 2, 7, 8], NpyFile.Read(path).Values);
    }

    [Fact]
    public void HalfARowIsRefused() => AtomicFile.Write(folder.File("a.npy"), stream =>
        Assert.Throws<ArgumentException>(() => new NpyRowWriter(stream, 4).Append([1, 2, 3, 4, 5])));

    private static void Fill(RowWriter writer, float[] values)
    {
        foreach (float[] rows in values.Chunk(6 * 7))
            writer.Append(rows);
        Assert.Equal(values.Length / 6, writer.Rows);
        writer.Complete();
    }
}

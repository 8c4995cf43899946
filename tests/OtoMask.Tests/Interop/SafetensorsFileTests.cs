using System.Buffers.Binary;
using System.Text;
using OtoMask.Interop;

namespace OtoMask.Tests.Interop;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        string path = folder.File("model.safetensors");
        var tensors = new Dictionary<string, HostTensor>
        {
            ["flags"] = new("BOOL", [3], [1, 0, 1]),
            ["weight"] = HostTensor.FromFloats([1, -2, 3.5f, float.NaN, 0, 7], 2, 3),
            ["scalar"] = new("I64", [], BitConverter.GetBytes(42L)),
            ["empty"] = new("F16", [0, 5], []),
        };
        var metadata = new Dictionary<string, string> { ["epoch"] = "7", ["名"] = "音\n\"mask\"" };

        SafetensorsFile.Write(path, tensors, metadata);
        SafetensorsContent read = SafetensorsFile.Read(path, requireChecksum: true);

        Assert.Equal(metadata, read.Metadata);
        Assert.Equal(tensors.Keys.Order(), read.Tensors.Keys.Order());
        Assert.All(tensors, pair =>
        {
            Assert.Equal(pair.Value.DType, read.Tensors[pair.Key].DType);
            Assert.Equal(pair.Value.Shape, read.Tensors[pair.Key].Shape);
            Assert.Equal(pair.Value.Data, read.Tensors[pair.Key].Data);
        });
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void EveryFlippedBitIsNoticed()
    {
        byte[] file = SmallFile();
        string path = folder.File("flipped");
        for (int i = 0; i < file.Length; i++)
        {
            byte[] flipped = [.. file];
            flipped[i] ^= (byte)(1 << (i % 8));
            File.WriteAllBytes(path, flipped);
            Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(path, requireChecksum: true));
        }
    }

    [Fact]
    public void EveryTruncationIsNoticed()
    {
        byte[] file = SmallFile();
        string path = folder.File("truncated");
        for (int length = 0; length < file.Length; length++)
        {
            File.WriteAllBytes(path, file[..length]);
            Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(path));
        }
    }

    [Fact]
    public void FilesOfOthersNeedNoChecksum()
    {
        string path = FileWithHeader("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", dataBytes: 8);

        Assert.Equal(2, SafetensorsFile.Read(path).Tensors["a"].Count);
        Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(path, requireChecksum: true));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}}""", "shape and bytes differ")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}}""", "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "bytes left over")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,16]}}""", "absurd sizes, empty")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}}""", "sizes that overflow")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]}}""", "negative sizes")]
    [InlineData("""{"a":{"dtype":"F99","shape":[4],"data_offsets":[0,16]}}""", "unknown type")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}""", "negative offset")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "a name twice")]
    [InlineData("""{"a":7}""", "no object")]
    [InlineData("""{"a":{"shape":[4],"data_offsets":[0,16]}}""", "no type")]
    [InlineData("""{"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "metadata that is no text")]
    [InlineData("""{"a\ud800":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "half a surrogate pair")]
    [InlineData("[]", "no header object")]
    [InlineData("{", "no JSON")]
    public void HeadersThatLieAreRefused(string header, string why)
    {
        string path = FileWithHeader(header, dataBytes: 16);
        var error = Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(path));
        Assert.True(error.Message.StartsWith(path, StringComparison.Ordinal), why);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(3 << 20, 0)]
    [InlineData(9 << 20, 32 << 20)]
    public void AHeaderThatItsFileCannotJustifyTakesNoMemory(int headerBytes, int dataBytes)
    {
        string path = FileWithHeader("{}" + new string(' ', headerBytes - 2), dataBytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("its header claims", Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(path)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void AnOpenFileTakesNoMemoryForItsValues()
    {
        const int Count = 4 << 20, Most = 4 << 20; // 32 MB of values
        string path = folder.File("large.safetensors");
        float[] values = [.. Enumerable.Range(0, Count).Select(i => (float)i)];
        SafetensorsFile.Write(path, new Dictionary<string, HostTensor> { ["a"] = HostTensor.FromFloats(values, Count), ["b"] = HostTensor.FromFloats(values, Count) });

        long before = GC.GetAllocatedBytesForCurrentThread();
        SafetensorsContent content = SafetensorsFile.Read(path, requireChecksum: true);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Most);
        File.Delete(path);
        Assert.Equal(values, content.Tensors["b"].ToFloats());
    }

    [Fact]
    public void AFileCutShortAfterItWasOpenedIsNamed()
    {
        string path = folder.File("cut.safetensors");
        File.WriteAllBytes(path, SmallFile());
        SafetensorsContent content = SafetensorsFile.Read(path);
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            file.SetLength(file.Length - 1);
        Assert.Contains(path, Assert.Throws<UserErrorException>(() => content.Tensors.Values.Select(tensor => tensor.Data.Length).Sum()).Message);
    }

    [Fact]
    public void AFailedWriteLeavesTheOldFile()
    {
        string path = folder.File("model.safetensors");
        File.WriteAllBytes(path, SmallFile());
        byte[] before = File.ReadAllBytes(path);

        Assert.Throws<InvalidOperationException>(() =>
            SafetensorsFile.Write(path, [new SafetensorsEntry("a", "F32", [2], _ => throw new InvalidOperationException())]));

        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void PathsThatCannotBeAreNamed()
    {
        Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(folder.File("absent")));
        Assert.Throws<UserErrorException>(() => SafetensorsFile.Read(folder.Path));
        Assert.Throws<UserErrorException>(() => SafetensorsFile.Write(folder.File("absent/model"), new Dictionary<string, HostTensor>()));
    }

    private byte[] SmallFile()
    {
        string path = folder.File("small");
        SafetensorsFile.Write(
            path, [SafetensorsEntry.Of("w", HostTensor.FromFloats([1, 2, 3], 3))], new Dictionary<string, string> { ["epoch"] = "1" });
        byte[] bytes = File.ReadAllBytes(path);
        File.Delete(path);
        return bytes;
    }

    private string FileWithHeader(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        string path = folder.File("handmade");
        File.WriteAllBytes(path, file);
        return path;
    }
}

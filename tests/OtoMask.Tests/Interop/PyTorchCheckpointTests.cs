using System.Numerics;
using OtoMask.Interop;
using static OtoMask.Tests.Interop.PyTorchSamples;

namespace OtoMask.Tests.Interop;

public sealed class PyTorchCheckpointTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void StridesAndOffsetsAreHonoured()
    {
        string path = WriteZip(new PickleBuilder().Dictionary(
            ("transposed", p => p.Tensor(Elements.Length, offset: 0, shape: [3, 2], strides: [1, 3])),
            ("row", p => p.Tensor(Elements.Length, offset: 3, shape: [3], strides: [1])),
            ("column", p => p.Tensor(Elements.Length, offset: 1, shape: [2, 1], strides: [3, 1])),
            ("broadcast", p => p.Tensor(Elements.Length, offset: 2, shape: [2, 2], strides: [0, 1])),
            ("empty", p => p.Tensor(Elements.Length, offset: 0, shape: [0, 3], strides: [3, 1]))));

        IReadOnlyDictionary<string, HostTensor> tensors = PyTorchCheckpoint.Read(path).Tensors;

        Assert.Equal([0, 3, 1, 4, 2, 5], tensors["transposed"].ToFloats());
        Assert.Equal([3, 4, 5], tensors["row"].ToFloats());
        Assert.Equal([1, 4], tensors["column"].ToFloats());
        Assert.Equal([2, 3, 2, 3], tensors["broadcast"].ToFloats());
        Assert.Empty(tensors["empty"].ToFloats());
    }

    [Theory]
    [InlineData(6, 1, new[] { 6 }, new[] { 1 }, "beyond the end")]
    [InlineData(6, 0, new[] { 2, 2 }, new[] { 5, 1 }, "beyond the end by its stride")]
    [InlineData(6, -1, new[] { 2 }, new[] { 1 }, "before the beginning")]
    [InlineData(6, 5, new[] { 2 }, new[] { -1 }, "negative stride")]
    [InlineData(6, 0, new[] { -6 }, new[] { 1 }, "negative size")]
    [InlineData(7, 0, new[] { 7 }, new[] { 1 }, "more than the storage has")]
    [InlineData(6, 0, new[] { int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue }, new[] { 0, 0, 0, 0 }, "more than a count holds")]
    [InlineData(6, 0, new[] { 1 << 30 }, new[] { 0 }, "a broadcast of 4 GB")]
    public void TensorsThatLieAreRefused(int storageCount, int offset, int[] shape, int[] strides, string why)
    {
        string path = WriteZip(new PickleBuilder().Dictionary(("w", p => p.Tensor(storageCount, offset, shape, strides))));

        var error = Assert.Throws<UserErrorException>(() => PyTorchCheckpoint.Read(path));
        Assert.True(error.Message.StartsWith(path, StringComparison.Ordinal), why);
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("subprocess", "Popen")]
    [InlineData("builtins", "eval")]
    [InlineData("__builtin__", "getattr")]
    [InlineData("torch.storage", "_load_from_bytes")]
    [InlineData("torch", "load")]
    [InlineData("mypackage", "helper")]
    public void FunctionsAreNeverCalled(string module, string name)
    {
        string path = WriteZip(new PickleBuilder().Dictionary(
            ("w", p => p.Tensor(Elements.Length, offset: 0, shape: [6], strides: [1])),
            ("x", p => p.Call(module, name, p => p.Text("touch pwned")))));

        var error = Assert.Throws<UserErrorException>(() => PyTorchCheckpoint.Read(path));
        Assert.Contains($".{name}", error.Message);
        Assert.Contains("nothing was run", error.Message);
    }

    [Theory]
    [InlineData("omegaconf.dictconfig", "DictConfig")]
    [InlineData("__main__", "_Settings")]
    [InlineData("pathlib", "PosixPath")]
    public void UnknownClassesStayInert(string module, string name)
    {
        string path = WriteZip(new PickleBuilder().Dictionary(
            ("w", p => p.Tensor(Elements.Length, offset: 0, shape: [6], strides: [1])),
            ("x", p => p.Call(module, name, p => p.Text("argument")))));

        var root = Assert.IsType<PickledDictionary>(PyTorchCheckpoint.Read(path).Root);
        var placeholder = Assert.IsType<PickledObject>(root["x"]);
        Assert.Equal($"{module}.{name}", placeholder.TypeName);
        Assert.Equal("argument", Assert.Single(placeholder.Arguments));
    }

    /// <summary>
    /// What Python 3.11 wrote for <c>{'best': numpy.float64(0.5), 'steps': numpy.int64(7), 'ids': {1}, 'args': Namespace(size=(80, 608)),
    /// 'seed': 2**70, 'raw': b'abc', 'at': PurePosixPath('x')}</c>, in protocols 2 and 4.
    /// </summary>
    [Theory]
    [InlineData("gAJ9cQAoWAQAAABiZXN0cQFjbnVtcHkuY29yZS5tdWx0aWFycmF5CnNjYWxhcgpxAmNudW1weQpkdHlwZQpxA1gCAAAAZjhxBImIh3EFUnEGKE"
        + "sDWAEAAAA8cQdOTk5K/////0r/////SwB0cQhiY19jb2RlY3MKZW5jb2RlCnEJWAkAAAAAAAAAAADDoD9xClgGAAAAbGF0aW4xcQuGcQxScQ2G"
        + "cQ5ScQ9YBQAAAHN0ZXBzcRBoAmgDWAIAAABpOHERiYiHcRJScRMoSwNoB05OTkr/////Sv////9LAHRxFGJoCVgIAAAABwAAAAAAAABxFWgLhn"
        + "EWUnEXhnEYUnEZWAMAAABpZHNxGmNfX2J1aWx0aW5fXwpzZXQKcRtdcRxLAWGFcR1ScR5YBAAAAGFyZ3NxH2NhcmdwYXJzZQpOYW1lc3BhY2UK"
        + "cSApgXEhfXEiWAQAAABzaXplcSNLUE1gAoZxJHNiWAQAAABzZWVkcSWKCQAAAAAAAAAAQFgDAAAAcmF3cSZoCVgDAAAAYWJjcSdoC4ZxKFJxKV"
        + "gCAAAAYXRxKmNwYXRobGliClB1cmVQb3NpeFBhdGgKcStYAQAAAHhxLIVxLVJxLnUu")]
    [InlineData("gASVOQEAAAAAAAB9lCiMBGJlc3SUjBVudW1weS5jb3JlLm11bHRpYXJyYXmUjAZzY2FsYXKUk5SMBW51bXB5lIwFZHR5cGWUk5SMAmY4lImIh5"
        + "RSlChLA4wBPJROTk5K/////0r/////SwB0lGJDCAAAAAAAAOA/lIaUUpSMBXN0ZXBzlGgEaAeMAmk4lImIh5RSlChLA2gLTk5OSv////9K////"
        + "/0sAdJRiQwgHAAAAAAAAAJSGlFKUjANpZHOUj5QoSwGQjARhcmdzlIwIYXJncGFyc2WUjAlOYW1lc3BhY2WUk5QpgZR9lIwEc2l6ZZRLUE1gAo"
        + "aUc2KMBHNlZWSUigkAAAAAAAAAAECMA3Jhd5RDA2FiY5SMAmF0lIwHcGF0aGxpYpSMDVB1cmVQb3NpeFBhdGiUk5SMAXiUhZRSlHUu")]
    public void ValuesOfTheFieldAreUnderstood(string pickle)
    {
        var root = Assert.IsType<PickledDictionary>(PickleMachine.Load(Convert.FromBase64String(pickle)).Value);

        Assert.Equal(0.5, root["best"]);
        Assert.Equal(7L, root["steps"]);
        Assert.Equal([1L], Assert.IsType<List<object?>>(root["ids"]));
        Assert.Equal([80L, 608L], Assert.IsType<List<object?>>(Assert.IsType<PickledDictionary>(root["args"])["size"]));
        Assert.Equal(BigInteger.Pow(2, 70), root["seed"]);
        Assert.Equal("abc"u8.ToArray(), root["raw"]);
        Assert.Equal("pathlib.PurePosixPath", Assert.IsType<PickledObject>(root["at"]).TypeName);
    }

    [Fact]
    public void AFlippedByteOfDataIsNoticed()
    {
        string path = WriteZip(OneTensor);
        byte[] file = File.ReadAllBytes(path);
        int element = file.AsSpan().IndexOf(BitConverter.GetBytes(5f));
        file[element] ^= 1;
        File.WriteAllBytes(path, file);

        Assert.Contains("CRC", Assert.Throws<UserErrorException>(() => PyTorchCheckpoint.Read(path)).Message);
    }

    [Fact]
    public void FilesWithoutAStateDictAreRefused()
    {
        string path = WriteZip(new PickleBuilder().Call("mypackage", "Model", p => p.Text("x")));
        Assert.Contains("mypackage.Model", Assert.Throws<UserErrorException>(() => PyTorchCheckpoint.Read(path)).Message);

        File.WriteAllText(path, "RIFF");
        Assert.Contains("torch.save", Assert.Throws<UserErrorException>(() => PyTorchCheckpoint.Read(path)).Message);
    }

    [Fact]
    public void FilesOfOldAreRead()
    {
        string path = folder.File("legacy.pth");
        File.WriteAllBytes(path, PyTorchSamples.Legacy);
        Assert.Equal(Elements, PyTorchCheckpoint.Read(path).Tensors["w"].ToFloats());
    }

    [Fact]
    public void HostileRepetitionStaysSmall()
    {
        byte[] copy = [.. "ccollections\nOrderedDict\n"u8, (byte)'h', 0, 0x85, (byte)'R'];
        // A list of a million references to one pair, copied a thousand times over: refused once the budget is spent.
        byte[] pickle =
        [
            0x80, 2, (byte)'N', (byte)'N', 0x86, (byte)'q', 1,
            (byte)'(', .. Enumerable.Repeat<byte[]>([(byte)'h', 1], 1_000_000).SelectMany(x => x), (byte)'t', (byte)'q', 0,
            .. Enumerable.Repeat(copy, 1000).SelectMany(x => x), (byte)'.',
        ];
        var error = Assert.Throws<InvalidDataException>(() => PickleMachine.Load(pickle));
        Assert.Contains("too many values", error.Message);
    }

    /// <summary>A long text that is written once and recalled costs its length each time it is hashed or joined: that must draw on the budget, too.</summary>
    [Theory]
    [InlineData("key", "too many values")]
    [InlineData("global", "names a global in 1000000 characters")]
    [InlineData("stack global", "names a global in 1000000 characters")]
    [InlineData("storage", "refers to something other than a storage")]
    public void LongTextsThatAreRecalledStayCheap(string use, string message)
    {
        byte[] text = [.. Enumerable.Repeat((byte)'a', 1_000_000)], length = BitConverter.GetBytes(text.Length);
        byte[] pickle = use switch
        {
            "key" => [0x80, 2, (byte)'X', .. length, .. text, (byte)'q', 0, (byte)'}', (byte)'(', .. Repeat([(byte)'h', 0, (byte)'N'], 100_000), (byte)'u', (byte)'.'],
            "global" => [0x80, 2, .. "cmypackage\n"u8, .. text, (byte)'\n', (byte)'q', 0, .. Repeat([(byte)'h', 0, (byte)')', (byte)'R'], 100_000), (byte)'.'],
            "stack global" => [0x80, 2, (byte)'X', .. length, .. text, (byte)'q', 0, .. Repeat([(byte)'h', 0, (byte)'h', 0, 0x93], 100_000), (byte)'.'],
            _ =>
            [
                0x80, 2, (byte)'(', (byte)'X', 7, 0, 0, 0, .. "storage"u8, .. "ctorch\nFloatStorage\n"u8, (byte)'X', .. length, .. text,
                (byte)'X', 3, 0, 0, 0, .. "cpu"u8, (byte)'K', 1, (byte)'t', (byte)'Q', (byte)'.',
            ],
        };
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(message, Assert.Throws<InvalidDataException>(() => PickleMachine.Load(pickle)).Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
    }

    [Fact]
    public void KeysCannotBeChosenToFallTogether()
    {
        var keys = Assert.IsType<PickledKeys>(new PickledDictionary().Comparer);
        Assert.InRange(Enumerable.Range(1, 1000).Select(i => keys.GetHashCode((long)i << 32 | (uint)i)).Distinct().Count(), 990, 1000);
        Assert.InRange(Enumerable.Range(1, 1000).Select(i => keys.GetHashCode(BitConverter.Int64BitsToDouble((long)i << 32 | (uint)i))).Distinct().Count(), 990, 1000);
        Assert.Equal(keys.GetHashCode(0.0), keys.GetHashCode(-0.0));
        Assert.Equal(keys.GetHashCode(double.NaN), keys.GetHashCode(-double.NaN));
    }

    [Fact]
    public void NumbersOfWhatIsStoredAreNoMoreThanTheBytesRead()
    {
        byte[] far = [0x80, 2, (byte)'N', (byte)'r', 0, 0, 0, 1, (byte)'.'], never = [0x80, 2, (byte)'N', (byte)'q', 2, (byte)'h', 1, (byte)'.'];
        Assert.Contains("before there were so many", Assert.Throws<InvalidDataException>(() => PickleMachine.Load(far)).Message);
        Assert.Contains("which it never stored", Assert.Throws<InvalidDataException>(() => PickleMachine.Load(never)).Message);
    }

    [Fact]
    public void AStorageOfTwoSizesIsRefused()
    {
        string path = WriteZip(new PickleBuilder().Dictionary(
            ("a", p => p.Tensor(6, offset: 0, shape: [6], strides: [1])), ("b", p => p.Tensor(5, offset: 0, shape: [5], strides: [1]))));
        Assert.Contains("is given two sizes", Assert.Throws<UserErrorException>(() => PyTorchCheckpoint.Read(path)).Message);
    }

    private static byte[] Repeat(byte[] bytes, int times) => [.. Enumerable.Repeat(bytes, times).SelectMany(each => each)];

    private string WriteZip(PickleBuilder pickle) => WriteZip(pickle.ToArray());

    private string WriteZip(byte[] pickle)
    {
        string path = folder.File("model.pth");
        File.WriteAllBytes(path, PyTorchSamples.Zip(pickle));
        return path;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace OtoMask.Tests.Interop;

/// <summary>Writes pickles of protocol 2 value by value, as <c>torch.save</c> does.</summary>
internal sealed class PickleBuilder
{
    /// <summary>The storage that every tensor here is a view of.</summary>
    public const string StorageKey = "0";

    private readonly List<byte> bytes = [0x80, 2];

    public PickleBuilder Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return Add([(byte)'X', .. Little(utf8.Length), .. utf8]);
    }

    public PickleBuilder Number(int number) => Add([(byte)'J', .. Little(number)]);

    public PickleBuilder True() => Add([0x88]);

    public PickleBuilder List(params Action<PickleBuilder>[] items)
    {
        Add([(byte)']']).Add([(byte)'(']);
        Array.ForEach(items, item => item(this));
        return Add([(byte)'e']);
    }

    public PickleBuilder Dictionary(params (string Key, Action<PickleBuilder> Value)[] items)
    {
        Add([(byte)'}', (byte)'(']);
        foreach ((string key, Action<PickleBuilder> value) in items)
            value(Text(key));
        return Add([(byte)'u']);
    }

    public PickleBuilder Call(string module, string name, params Action<PickleBuilder>[] arguments)
    {
        Global(module, name);
        return Tuple(arguments).Add([(byte)'R']);
    }

    public PickleBuilder Tensor(int storageCount, int offset, int[] shape, int[] strides) => Call("torch._utils", "_rebuild_tensor_v2",
        p => p.Storage(storageCount),
        p => p.Number(offset),
        p => p.Tuple([.. shape.Select(size => (Action<PickleBuilder>)(q => q.Number(size)))]),
        p => p.Tuple([.. strides.Select(stride => (Action<PickleBuilder>)(q => q.Number(stride)))]));

    public byte[] ToArray() => [.. bytes, (byte)'.'];

    private PickleBuilder Storage(int count) => Tuple(
        p => p.Text("storage"), p => p.Global("torch", "FloatStorage"), p => p.Text(StorageKey), p => p.Text("cpu"), p => p.Number(count))
        .Add([(byte)'Q']);

    private PickleBuilder Global(string module, string name) => Add([(byte)'c', .. Encoding.UTF8.GetBytes($"{module}\n{name}\n")]);

    private PickleBuilder Tuple(params Action<PickleBuilder>[] items)
    {
        Add([(byte)'(']);
        Array.ForEach(items, item => item(this));
        return Add([(byte)'t']);
    }

    private PickleBuilder Add(byte[] more)
    {
        bytes.AddRange(more);
        return this;
    }

    private static byte[] Little(int number)
    {
        var four = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(four, number);
        return four;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace OtoMask.Interop;

/// <summary>
/// Writes plain data and tensors as a pickle of protocol 2, with those opcodes and globals alone that <c>torch.load(weights_only=True)</c>
/// lets through.
/// </summary>
/// <remarks>
/// Values: null, <c>bool</c>, <c>int</c>, <c>long</c>, <c>string</c>, arrays of <c>int</c> or <c>string</c> (as lists), dictionaries with string keys (in
/// their order), and <see cref="SafetensorsEntry"/> for a tensor. No fractions: <c>weights_only</c> of PyTorch 1.13 refuses them. Opcodes: CPython
/// Lib/pickletools.py.
/// </remarks>
internal sealed class PickleWriter
{
    private readonly MemoryStream output = new();
    private readonly List<SafetensorsEntry> storages = [];

    /// <summary>The pickle of a value, and its tensors: the one at index i is the storage with key i.</summary>
    /// <exception cref="ArgumentException">A value is of another kind.</exception>
    public static (byte[] Pickle, IReadOnlyList<SafetensorsEntry> Storages) Write(object? value)
    {
        var writer = new PickleWriter();
        writer.Put(0x80, 2);                    // PROTO
        writer.Value(value);
        writer.Put((byte)'.');                  // STOP
        return (writer.output.ToArray(), writer.storages);
    }

    private void Value(object? value)
    {
        switch (value)
        {
            case null: Put((byte)'N'); break;
            case bool flag: Put(flag ? (byte)0x88 : (byte)0x89); break;
            case int number: Integer(number); break;
            case long number: Integer(number); break;
            case string text: Text(text); break;
            case int[] numbers: List(numbers, number => Integer(number)); break;
            case string[] texts: List(texts, Text); break;
            case IReadOnlyDictionary<string, object?> dictionary: Dictionary(dictionary); break;
            case SafetensorsEntry tensor: Tensor(tensor); break;
            default: throw new ArgumentException($"a value of type {value.GetType().Name} has no place in a checkpoint", nameof(value));
        }
    }

    private void Integer(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        if (number is >= int.MinValue and <= int.MaxValue)
        {
            Put((byte)'J');                     // BININT
            output.Write(bytes[..sizeof(int)]);
        }
        else
        {
            Put(0x8a, sizeof(long));            // LONG1
            output.Write(bytes);
        }
    }

    private void Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        Put((byte)'X');                         // BINUNICODE
        output.Write(length);
        output.Write(utf8);
    }

    private void List<T>(T[] items, Action<T> put)
    {
        Put((byte)']', (byte)'(');              // EMPTY_LIST, MARK
        foreach (T item in items)
            put(item);
        Put((byte)'e');                         // APPENDS
    }

    private void Dictionary(IReadOnlyDictionary<string, object?> dictionary)
    {
        Put((byte)'}', (byte)'(');              // EMPTY_DICT, MARK
        foreach ((string key, object? value) in dictionary)
        {
            Text(key);
            Value(value);
        }
        Put((byte)'u');                         // SETITEMS
    }

    /// <summary>torch._utils._rebuild_tensor_v2(storage, offset 0, sizes, strides, requires_grad False, no hooks): a storage for each tensor.</summary>
    private void Tensor(SafetensorsEntry tensor)
    {
        Global("torch._utils", "_rebuild_tensor_v2");
        Put((byte)'(');                         // MARK
        Storage(tensor);
        Integer(0);
        Tuple(tensor.Shape);
        Tuple(RowMajorStrides(tensor.Shape));
        Put(0x89);                              // NEWFALSE
        Global("collections", "OrderedDict");
        Put((byte)')', (byte)'R');              // EMPTY_TUPLE, REDUCE
        Put((byte)'t', (byte)'R');              // TUPLE, REDUCE
    }

    /// <summary>The persistent id ("storage", class, key, device, number of elements).</summary>
    private void Storage(SafetensorsEntry tensor)
    {
        Put((byte)'(');                         // MARK
        Text("storage");
        Global("torch", PickleGlobals.StorageClass(tensor.DType));
        Text($"{storages.Count}");
        Text("cpu");
        Integer(HostTensor.ByteCount(tensor.DType, tensor.Shape) / HostTensor.ElementSize(tensor.DType));
        Put((byte)'t', (byte)'Q');              // TUPLE, BINPERSID
        storages.Add(tensor);
    }

    private void Global(string module, string name)
    {
        Put((byte)'c');                         // GLOBAL
        output.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
    }

    private void Tuple(long[] numbers)
    {
        Put((byte)'(');                         // MARK
        foreach (long number in numbers)
            Integer(number);
        Put((byte)'t');                         // TUPLE
    }

    private static long[] RowMajorStrides(long[] shape)
    {
        var strides = new long[shape.Length];
        long step = 1;
        for (int i = shape.Length - 1; i >= 0; step *= shape[i--])
            strides[i] = step;
        return strides;
    }

    private void Put(params ReadOnlySpan<byte> opcodes) => output.Write(opcodes);
}

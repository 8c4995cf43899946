using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace OtoMask.Interop;

/// <summary>What a pickle gave.</summary>
/// <param name="Value">The object that it describes; kinds in <c>PickledValues.cs</c>.</param>
/// <param name="Bytes">The bytes that it took.</param>
/// <param name="Storages">The storages that it refers to.</param>
internal readonly record struct Unpickled(object? Value, int Bytes, IReadOnlyCollection<PickledStorage> Storages);

/// <summary>
/// The stack machine of Python's pickle format, protocols 2 to 5, that builds data and runs nothing: what a
/// global may become is decided by <see cref="PickleGlobals"/>. Items given to a subclass of list or dict, which is only
/// a placeholder for us, are dropped.
/// </summary>
/// <remarks>
/// Every value costs at least one byte of input except where a list is copied, and copies draw on the same budget; strings
/// are sliced from the input. So memory stays within a small multiple of the input, and so does time: what costs as much as a text is long
/// (a key, a global's name, a storage's) draws on the budget or must be short. Opcodes: CPython Lib/pickletools.py.
/// </remarks>
internal sealed class PickleMachine
{
    /// <summary>No pickle may be longer: a checkpoint of a thousand tensors takes about 200 kB.</summary>
    public const int MaxBytes = 1 << 26;

    // The same checkpoint takes about 60,000 steps.
    private const int MaxSteps = 4_000_000;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly object Mark = new();

    private readonly ReadOnlyMemory<byte> input;
    private readonly List<object?> stack = [];
    private readonly List<object?> memo = [];
    private readonly Dictionary<string, PickledStorage> storages = [];
    private int position;
    private int steps;

    private PickleMachine(ReadOnlyMemory<byte> input) => this.input = input;

    /// <summary>Builds the object that a pickle describes.</summary>
    /// <param name="input">Starts with the pickle; what follows it is not read.</param>
    /// <exception cref="InvalidDataException">The pickle is damaged or too large.</exception>
    /// <exception cref="UnsafePickleException">The pickle wants to run code.</exception>
    public static Unpickled Load(ReadOnlyMemory<byte> input)
    {
        var machine = new PickleMachine(input);
        try
        {
            object? value = machine.Run();
            return new Unpickled(value, machine.position, machine.storages.Values);
        }
        catch (Exception e) when (e is DecoderFallbackException or InvalidCastException or OverflowException)
        {
            throw new InvalidDataException($"its pickle is damaged near byte {machine.position} ({e.Message})", e);
        }
    }

    private object? Run()
    {
        while (true)
        {
            Spend(1);
            byte opcode = Bytes(1)[0];
            if (opcode == (byte)'.')
                return Pop();
            Execute(opcode);
        }
    }

    private void Execute(byte opcode)
    {
        switch (opcode)
        {
            // Framing
            case 0x80: Bytes(1); break;                                                             // PROTO
            case 0x95: Bytes(sizeof(ulong)); break;                                                 // FRAME
            // Scalars
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Bytes(sizeof(int)))); break;
            case (byte)'K': Push((long)Bytes(1)[0]); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Bytes(sizeof(ushort)))); break;
            case 0x8a: PushInteger(Bytes(1)[0]); break;                                             // LONG1
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Bytes(sizeof(double)))); break;
            // Text and bytes
            case (byte)'U': Push(Encoding.Latin1.GetString(Counted(1))); break;                     // SHORT_BINSTRING
            case (byte)'T': Push(Encoding.Latin1.GetString(Counted(4))); break;                     // BINSTRING
            case 0x8c: Push(StrictUtf8.GetString(Counted(1))); break;                               // SHORT_BINUNICODE
            case (byte)'X': Push(StrictUtf8.GetString(Counted(4))); break;                          // BINUNICODE
            case 0x8d: Push(StrictUtf8.GetString(Counted(8))); break;                               // BINUNICODE8
            case (byte)'C': Push(Counted(1).ToArray()); break;                                      // SHORT_BINBYTES
            case (byte)'B': Push(Counted(4).ToArray()); break;                                      // BINBYTES
            case 0x8e or 0x96: Push(Counted(8).ToArray()); break;                                   // BINBYTES8, BYTEARRAY8
            // Containers
            case (byte)']' or (byte)')' or 0x8f: Push(new List<object?>()); break;                  // EMPTY_LIST, EMPTY_TUPLE, EMPTY_SET
            case (byte)'}': Push(new PickledDictionary()); break;
            case 0x85: Push(PopMany(1)); break;                                                     // TUPLE1
            case 0x86: Push(PopMany(2)); break;                                                     // TUPLE2
            case 0x87: Push(PopMany(3)); break;                                                     // TUPLE3
            case (byte)'t' or 0x91: Push(PopToMark()); break;                                       // TUPLE, FROZENSET
            case (byte)'a': AddItems(PopMany(1)); break;                                            // APPEND
            case (byte)'e' or 0x90: AddItems(PopToMark()); break;                                   // APPENDS, ADDITEMS
            case (byte)'s': SetItems(PopMany(2)); break;                                            // SETITEM
            case (byte)'u': SetItems(PopToMark()); break;                                           // SETITEMS
            // Stack and memo
            case (byte)'(': Push(Mark); break;
            case (byte)'0': Pop(); break;
            case (byte)'1': PopToMark(); break;
            case (byte)'2': Push(Peek()); break;
            case (byte)'q': Remember(Bytes(1)[0]); break;
            case (byte)'r': Remember(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint)))); break;
            case 0x94: Remember((uint)memo.Count); break;                                           // MEMOIZE
            case (byte)'h': PushRemembered(Bytes(1)[0]); break;
            case (byte)'j': PushRemembered(BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint)))); break;
            // Objects
            case (byte)'c': Push(PickleGlobals.Find(module: Line(), name: Line())); break;                // GLOBAL
            case 0x93: PushStackGlobal(); break;                                                    // STACK_GLOBAL
            case (byte)'R' or 0x81: Call(PopMany(2)); break;                                        // REDUCE, NEWOBJ
            case 0x92: Call(PopMany(3)[..2]); break;                                                // NEWOBJ_EX: keywords are not kept
            case (byte)'b': Build(Pop()); break;
            case (byte)'Q': PushStorage(); break;                                                // BINPERSID
            default: throw Damaged($"opcode 0x{opcode:x2} is none that PyTorch writes");
        }
    }

    private void Call(List<object?> callAndArguments)
    {
        List<object?> arguments = List(callAndArguments[1]);
        Push(PickleGlobals.Call(callAndArguments[0], arguments, Spend));
    }

    /// <summary>Restores an object's state; the attributes of a plain dictionary (<c>_metadata</c>) carry no data and are dropped.</summary>
    private void Build(object? state)
    {
        switch (Peek())
        {
            case PickledDictionary { IsNamespace: true } attributes when state is PickledDictionary items && items != attributes:
                foreach ((object key, object? value) in items)
                    attributes.Set(key, value, Spend);
                break;
            case PickledObject placeholder:
                placeholder.State = state;
                break;
        }
    }

    private void AddItems(List<object?> items)
    {
        if (Peek() is not PickledObject)
            List(Peek()).AddRange(items);
    }

    private void SetItems(List<object?> keysAndValues)
    {
        if (Peek() is PickledObject)
            return;
        if (Peek() is not PickledDictionary dictionary || keysAndValues.Count % 2 != 0)
            throw Damaged("a dictionary is expected");
        for (int i = 0; i < keysAndValues.Count; i += 2)
            dictionary.Set(keysAndValues[i], keysAndValues[i + 1], Spend);
    }

    private void PushStackGlobal()
    {
        if (PopMany(2) is not [string module, string name])
            throw Damaged("the name of a global is no text");
        Push(PickleGlobals.Find(module, name));
    }

    private void PushStorage()
    {
        PickledStorage storage = PickleGlobals.FindStorage(List(Pop()));
        if (!storages.TryAdd(storage.Key, storage) && storages[storage.Key] != storage)
            throw Damaged($"storage '{storage.Key}' is given two sizes or types");
        Push(storage);
    }

    /// <summary>Stores the top of the stack. Writers number what they store from 0, so no number reaches the bytes read.</summary>
    private void Remember(uint index)
    {
        object? value = Peek();
        if (index >= position)
            throw Damaged($"it stores value {index} before there were so many");
        while (memo.Count <= index)
            memo.Add(Mark);
        memo[(int)index] = value;
    }

    private void PushRemembered(uint index) =>
        Push(index < memo.Count && memo[(int)index] is var value && value != Mark ? value : throw Damaged($"it recalls value {index}, which it never stored"));

    private void PushInteger(int length)
    {
        var value = new BigInteger(Bytes(length));
        Push(value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value);
    }

    private void Push(object? value) => stack.Add(value);

    private object? Peek() => stack.Count > 0 && stack[^1] != Mark ? stack[^1] : throw Damaged("its stack runs empty");

    private object? Pop()
    {
        object? top = Peek();
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    private List<object?> PopMany(int count) =>
        stack.Count >= count ? PopFrom(stack.Count - count) : throw Damaged("its stack runs empty");

    private List<object?> PopToMark()
    {
        int mark = stack.LastIndexOf(Mark);
        if (mark < 0)
            throw Damaged("a group has no beginning");
        List<object?> items = PopFrom(mark + 1);
        stack.RemoveAt(mark);
        return items;
    }

    private List<object?> PopFrom(int start)
    {
        List<object?> items = stack.GetRange(start, stack.Count - start);
        if (items.Contains(Mark))
            throw Damaged("its stack runs empty");
        stack.RemoveRange(start, items.Count);
        return items;
    }

    private List<object?> List(object? value) => value as List<object?> ?? throw Damaged("a list is expected");

    private void Spend(int count)
    {
        if ((steps += count) > MaxSteps || steps < 0)
            throw new InvalidDataException("its pickle holds too many values to be a checkpoint");
    }

    private ReadOnlySpan<byte> Counted(int lengthBytes)
    {
        ReadOnlySpan<byte> prefix = Bytes(lengthBytes);
        ulong length = lengthBytes switch
        {
            1 => prefix[0],
            4 => BinaryPrimitives.ReadUInt32LittleEndian(prefix),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(prefix),
        };
        return Bytes((int)Math.Min(length, int.MaxValue));
    }

    private ReadOnlySpan<byte> Bytes(int count)
    {
        if (count > input.Length - position)
            throw Damaged("it ends too early");
        ReadOnlySpan<byte> bytes = input.Span.Slice(position, count);
        position += count;
        return bytes;
    }

    private string Line()
    {
        int length = input.Span[position..].IndexOf((byte)'\n');
        if (length < 0)
            throw Damaged("it ends too early");
        string line = StrictUtf8.GetString(Bytes(length));
        position++;
        return line;
    }

    private InvalidDataException Damaged(string what) => new($"its pickle is damaged near byte {position}: {what}");
}

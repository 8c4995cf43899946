using System.Text;
using OtoMask.Torch.Interop;

namespace OtoMask.Torch;

/// <summary>An ATen operator, found once by its schema name and called with boxed arguments.</summary>
/// <param name="name">Schema name, for example <c>aten::add</c>.</param>
/// <param name="overload">Overload name, for example <c>Tensor</c>; empty for the default one.</param>
public sealed unsafe class Operator(string name, string overload = "")
{
    private const int MostArguments = 24, MostResults = 8, ScratchWords = 256;
    private nint handle;

    /// <summary>Calls the operator; trailing arguments left out take the schema's defaults.</summary>
    /// <returns>The only result.</returns>
    /// <exception cref="TorchException">libtorch has no such operator or refuses the arguments.</exception>
    public Tensor Call(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue* results = stackalloc NativeValue[MostResults];
        int produced = Invoke(arguments, results);
        return produced == 1 ? new Tensor(results[0].Pointer) : throw new TorchException($"{name} returned {produced} values where one was expected");
    }

    /// <summary>Calls an operator that works in place or returns nothing of interest.</summary>
    public void Run(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue* results = stackalloc NativeValue[MostResults];
        int produced = Invoke(arguments, results);
        for (int i = 0; i < produced; i++)
        {
            if (results[i].Tag == ValueTag.Tensor)
                NativeMethods.Check(NativeMethods.om_free(results[i].Pointer));
        }
    }

    /// <summary>Calls an operator with several tensor results.</summary>
    public Tensor[] CallMany(params ReadOnlySpan<Argument> arguments)
    {
        NativeValue* results = stackalloc NativeValue[MostResults];
        var tensors = new Tensor[Invoke(arguments, results)];
        for (int i = 0; i < tensors.Length; i++)
            tensors[i] = new Tensor(results[i].Pointer);
        return tensors;
    }

    private int Invoke(ReadOnlySpan<Argument> arguments, NativeValue* results)
    {
        if (handle == 0)
            NativeMethods.Check(NativeMethods.om_find(name, overload, out handle));
        NativeValue* values = stackalloc NativeValue[MostArguments];
        long* scratch = stackalloc long[ScratchWords];
        int used = 0;
        for (int i = 0; i < arguments.Length; i++)
            values[i] = arguments[i].ToNative(scratch, ref used, ScratchWords);
        NativeMethods.Check(NativeMethods.om_call(handle, values, arguments.Length, results, MostResults, out int produced));
        // The tensors must outlive the call even if the caller drops them meanwhile.
        foreach (Argument argument in arguments)
            GC.KeepAlive(argument.Reference);
        return produced;
    }
}

/// <summary>One argument of an <see cref="Operator"/>; everything an operator takes converts to it.</summary>
public readonly struct Argument
{
    private readonly ValueTag tag;
    private readonly long bits;

    private Argument(ValueTag tag, long bits, object? reference = null) => (this.tag, this.bits, Reference) = (tag, bits, reference);

    internal object? Reference { get; }

    /// <summary>An absent optional argument.</summary>
    public static Argument None => default;

    /// <summary>A tensor; null is <see cref="None"/>.</summary>
    public static implicit operator Argument(Tensor? tensor) => tensor is null ? None : new(ValueTag.Tensor, 0, tensor);

    /// <summary>A whole number.</summary>
    public static implicit operator Argument(int value) => new(ValueTag.Int, value);

    /// <summary>A whole number.</summary>
    public static implicit operator Argument(long value) => new(ValueTag.Int, value);

    /// <summary>A number.</summary>
    public static implicit operator Argument(double value) => new(ValueTag.Double, BitConverter.DoubleToInt64Bits(value));

    /// <summary>A truth value.</summary>
    public static implicit operator Argument(bool value) => new(ValueTag.Bool, value ? 1 : 0);

    /// <summary>An element type, as its number (c10::ScalarType).</summary>
    public static implicit operator Argument(DType type) => new(ValueTag.Int, (int)type);

    /// <summary>A device, as its name.</summary>
    public static implicit operator Argument(Device device) => new(ValueTag.String, 0, device.Name);

    /// <summary>A list of whole numbers: sizes, dimensions.</summary>
    public static implicit operator Argument(long[] values) => new(ValueTag.IntList, 0, values);

    /// <summary>A list of tensors.</summary>
    public static implicit operator Argument(Tensor[] tensors) => new(ValueTag.TensorList, 0, tensors);

    /// <summary>A text, which crosses as UTF-8.</summary>
    public static implicit operator Argument(string text) => new(ValueTag.String, 0, text);

    /// <summary>Writes the value for the bridge; lists and text go into <paramref name="scratch"/>, which lives as long as the call.</summary>
    internal unsafe NativeValue ToNative(long* scratch, ref int used, int capacity)
    {
        var value = new NativeValue { Tag = tag, Integer = bits };
        switch (Reference)
        {
            case Tensor tensor:
                value.Pointer = tensor.Handle.Raw;
                break;
            case long[] integers:
                value.Count = integers.Length;
                value.Pointer = (nint)Reserve(scratch, ref used, capacity, integers.Length);
                integers.CopyTo(new Span<long>((void*)value.Pointer, integers.Length));
                break;
            case Tensor[] tensors:
                value.Count = tensors.Length;
                value.Pointer = (nint)Reserve(scratch, ref used, capacity, tensors.Length);
                for (int i = 0; i < tensors.Length; i++)
                    ((nint*)value.Pointer)[i] = tensors[i].Handle.Raw;
                break;
            case string text:
                int bytes = Encoding.UTF8.GetByteCount(text);
                value.Pointer = (nint)Reserve(scratch, ref used, capacity, bytes / sizeof(long) + 1);
                Encoding.UTF8.GetBytes(text, new Span<byte>((void*)value.Pointer, bytes));
                ((byte*)value.Pointer)[bytes] = 0;
                break;
        }
        return value;
    }

    private static unsafe long* Reserve(long* scratch, ref int used, int capacity, int words)
    {
        if (words > capacity - used)
            throw new ArgumentException($"the lists of one operator call hold more than {capacity} entries");
        long* start = scratch + used;
        used += words;
        return start;
    }
}

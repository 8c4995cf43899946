using System.Buffers.Binary;
using System.Text;

namespace OtoMask.Interop;

/// <summary>The pickle wants to call something that a checkpoint has no need for. Nothing was run.</summary>
internal sealed class UnsafePickleException(string global) : Exception($"it wants to run {global}, which no checkpoint needs");

/// <summary>
/// What the globals of a pickle become. Python would import and call them; here a call can only build data:
/// <list type="number">
/// <item>The builders of tensors, storages and plain containers, listed in <see cref="Call"/>, build ours.</item>
/// <item>Anything from a module that reaches the interpreter or the system is refused when it is mentioned.</item>
/// <item>Any other class (by its capital; some lower-case ones are listed) becomes an inert <see cref="PickledObject"/>.</item>
/// <item>Any other function is refused when it is called; mentioning it is harmless.</item>
/// </list>
/// </summary>
internal static class PickleGlobals
{
    private const int MaxRank = 64, LongestName = 1000;

    private static readonly HashSet<string> SystemModules =
    [
        "builtins", "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "ctypes",
        "importlib", "runpy", "pty", "pickle", "marshal", "code",
    ];

    private static readonly HashSet<string> HarmlessBuiltins =
        ["dict", "list", "tuple", "set", "frozenset", "object", "int", "float", "str", "bool", "bytes", "complex", "slice"];

    private static readonly HashSet<string> LowerCaseClasses =
    [
        "numpy.dtype", "numpy.ndarray", "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
        "numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer", "torch.device",
        "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "functools.partial",
    ];

    private static readonly (string Class, string DType)[] StorageTypes =
    [
        ("FloatStorage", "F32"), ("DoubleStorage", "F64"), ("HalfStorage", "F16"), ("BFloat16Storage", "BF16"), ("LongStorage", "I64"), ("IntStorage", "I32"),
        ("ShortStorage", "I16"), ("CharStorage", "I8"), ("ByteStorage", "U8"), ("UntypedStorage", "U8"), ("BoolStorage", "BOOL"),
    ];

    /// <summary>The class in module torch whose storages hold elements of that type.</summary>
    /// <exception cref="ArgumentException">PyTorch has no storage of that type.</exception>
    public static string StorageClass(string dtype) => StorageTypes.FirstOrDefault(type => type.DType == dtype).Class
        ?? throw new ArgumentException($"PyTorch has no storage of element type {dtype}", nameof(dtype));

    /// <summary>The global of that name.</summary>
    /// <exception cref="UnsafePickleException">It reaches the interpreter or the system.</exception>
    /// <exception cref="InvalidDataException">Nothing has so long a name.</exception>
    public static PickledGlobal Find(string module, string name)
    {
        if (module.Length > LongestName || name.Length > LongestName)
            throw new InvalidDataException($"its pickle names a global in {Math.Max(module.Length, name.Length)} characters");
        module = module switch { "__builtin__" => "builtins", "copy_reg" => "copyreg", _ => module };
        var global = new PickledGlobal(module, name);
        bool harmless = module == "builtins" && HarmlessBuiltins.Contains(name);
        return harmless || !SystemModules.Contains(module.Split('.')[0]) ? global : throw new UnsafePickleException(global.ToString());
    }

    /// <summary>What calling a global gives.</summary>
    /// <param name="callable">A <see cref="PickledGlobal"/>.</param>
    /// <param name="arguments">Positional arguments.</param>
    /// <param name="spend">Told the number of values that are copied.</param>
    /// <exception cref="UnsafePickleException">It is a function that we do not know.</exception>
    /// <exception cref="InvalidDataException">The arguments do not fit.</exception>
    public static object? Call(object? callable, List<object?> arguments, Action<int> spend)
    {
        if (callable is not PickledGlobal global)
            throw new InvalidDataException("its pickle calls something that is neither a function nor a class");
        string name = global.ToString();
        switch (name)
        {
            case "torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2" or "torch._utils._rebuild_tensor_v3":
                return RebuildTensor(arguments, spend);
            case "torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state":
                return arguments.FirstOrDefault();
            case "collections.OrderedDict" or "builtins.dict":
                return DictionaryOf(arguments, spend);
            case "collections.defaultdict":
                return new PickledDictionary();
            case "argparse.Namespace":
                return new PickledDictionary { IsNamespace = true };
            case "torch.Size" or "builtins.list" or "builtins.tuple" or "builtins.set" or "builtins.frozenset":
                return arguments is [List<object?> items] ? items : new List<object?>();
            case "copyreg._reconstructor" when arguments is [PickledGlobal { Module: not "copyreg" } type, ..]:
                return Call(type, [], spend);
            case "_codecs.encode" when arguments is [string text, "latin1"]:
                spend(text.Length);
                return Encoding.Latin1.GetBytes(text);
            case "numpy.core.multiarray.scalar" or "numpy._core.multiarray.scalar":
                return NumpyScalar(arguments) ?? new PickledObject(name, arguments);
            default:
                return IsClass(global) ? new PickledObject(name, arguments) : throw new UnsafePickleException(name);
        }
    }

    /// <summary>The storage that a persistent id names: <c>("storage", class, key, device, number of elements)</c>.</summary>
    /// <exception cref="InvalidDataException">It names none.</exception>
    public static PickledStorage FindStorage(List<object?> id) =>
        // The old format may add a sixth item, a view into the storage: null in every file since PyTorch 0.4.
        id is ["storage", PickledGlobal { Module: "torch" or "torch.cuda" or "torch.storage" } type, string { Length: <= LongestName } key, _, long count and >= 0, ..]
        && (id.Count == 5 || id is [.., null])
            ? new PickledStorage(key, StorageType(type.Name), count)
            : throw new InvalidDataException("its pickle refers to something other than a storage of elements");

    private static PickledTensor RebuildTensor(List<object?> arguments, Action<int> spend)
    {
        if (arguments is not [PickledStorage storage, long offset, List<object?> sizes, List<object?> steps, ..]
            || sizes.Count != steps.Count || sizes.Count > MaxRank || offset < 0)
            throw new InvalidDataException("its pickle describes a tensor in a way that is not understood");
        spend(2 * sizes.Count);
        // Version 3 views an untyped storage and names the element type itself.
        string dtype = arguments is [_, _, _, _, _, _, PickledGlobal { Module: "torch" } type, ..] ? ElementType(type.Name) : storage.DType;
        return new PickledTensor(storage, dtype, Numbers(sizes), Numbers(steps), offset);
    }

    private static long[] Numbers(List<object?> values) =>
        [.. values.Select(value => value as long? ?? throw new InvalidDataException("its pickle gives a tensor sizes that are no numbers"))];

    private static PickledDictionary DictionaryOf(List<object?> arguments, Action<int> spend)
    {
        var dictionary = new PickledDictionary();
        if (arguments is [List<object?> pairs])
        {
            foreach (object? pair in pairs)
            {
                if (pair is not List<object?> { Count: 2 } keyAndValue)
                    throw new InvalidDataException("its pickle makes a dictionary of something other than pairs");
                dictionary.Set(keyAndValue[0], keyAndValue[1], spend);
            }
        }
        return dictionary;
    }

    private static bool IsClass(PickledGlobal global)
    {
        string lastName = global.Name[(global.Name.LastIndexOf('.') + 1)..].TrimStart('_');
        return lastName.Length > 0 && char.IsUpper(lastName[0]) || LowerCaseClasses.Contains(global.ToString());
    }

    /// <summary>A numpy scalar (a best accuracy, an epoch) as a plain number; null for the exotic kinds.</summary>
    private static object? NumpyScalar(List<object?> arguments)
    {
        if (arguments is not [PickledObject { TypeName: "numpy.dtype", Arguments: [string kind, ..] } dtype, byte[] bytes]
            || dtype.State is List<object?> and [_, ">", ..])
            return null;
        return (kind, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("b1", 1) => bytes[0] != 0,
            _ => null,
        };
    }

    private static string StorageType(string name) => StorageTypes.FirstOrDefault(type => type.Class == name).DType
        ?? throw new InvalidDataException($"it holds elements of type torch.{name}, which are not supported");

    private static string ElementType(string name) => name switch
    {
        "float32" or "float" => "F32",
        "float64" or "double" => "F64",
        "float16" or "half" => "F16",
        "bfloat16" => "BF16",
        "int64" or "long" => "I64",
        "int32" or "int" => "I32",
        "int16" or "short" => "I16",
        "int8" => "I8",
        "uint8" => "U8",
        "uint16" => "U16",
        "uint32" => "U32",
        "uint64" => "U64",
        "bool" => "BOOL",
        _ => throw new InvalidDataException($"it holds elements of type torch.{name}, which are not supported"),
    };
}

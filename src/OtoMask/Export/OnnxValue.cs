using static OtoMask.Export.OnnxGraph;

namespace OtoMask.Export;

/// <summary>What a node of the graph gives and others take. Arithmetic on values makes nodes; shapes broadcast as in numpy.</summary>
internal sealed class OnnxValue(OnnxGraph graph, string name)
{
    /// <summary>Unique within the graph.</summary>
    public string Name { get; } = name;

    public static OnnxValue operator +(OnnxValue a, OnnxValue b) => a.Node("Add", b);

    public static OnnxValue operator -(OnnxValue a, OnnxValue b) => a.Node("Sub", b);

    public static OnnxValue operator *(OnnxValue a, OnnxValue b) => a.Node("Mul", b);

    public static OnnxValue operator /(OnnxValue a, OnnxValue b) => a.Node("Div", b);

    /// <summary>Remainder of whole numbers.</summary>
    public static OnnxValue operator %(OnnxValue a, OnnxValue b) => a.Node("Mod", b);

    public static OnnxValue operator +(OnnxValue a, float b) => a + a.Number(b);

    public static OnnxValue operator *(OnnxValue a, float b) => a * a.Number(b);

    public static OnnxValue operator /(OnnxValue a, float b) => a / a.Number(b);

    public static OnnxValue operator -(OnnxValue a, float b) => a - a.Number(b);

    // Whole numbers: sizes, [1] each.

    public static OnnxValue operator +(OnnxValue a, long b) => a + a.Integers(b);

    public static OnnxValue operator -(OnnxValue a, long b) => a - a.Integers(b);

    public static OnnxValue operator *(OnnxValue a, long b) => a * a.Integers(b);

    public static OnnxValue operator /(OnnxValue a, long b) => a / a.Integers(b);

    /// <summary>The length of a dimension, [1].</summary>
    public OnnxValue Size(int axis) => graph.Node("Shape", [this], Attribute("start", axis), Attribute("end", axis + 1));

    /// <summary>A size over another, rounded up.</summary>
    public OnnxValue DividedUpBy(long divisor) => (this + (divisor - 1)) / divisor;

    public OnnxValue AtMost(OnnxValue limit) => Node("Min", limit);

    public OnnxValue AtLeast(long limit) => Node("Max", Integers(limit));

    /// <summary>first, first + 1, .. below a size.</summary>
    public OnnxValue CountedFrom(long first) => graph.Node("Range", [graph.Integer(first), Node("Squeeze"), graph.Integer(1)]);

    public OnnxValue Absolute() => Node("Abs");

    public OnnxValue Log() => Node("Log");

    public OnnxValue Erf() => Node("Erf");

    public OnnxValue Root() => Node("Sqrt");

    public OnnxValue Sigmoid() => Node("Sigmoid");

    public OnnxValue MatMul(OnnxValue right) => Node("MatMul", right);

    public OnnxValue Softmax() => graph.Node("Softmax", [this], Attribute("axis", -1));

    /// <summary>Whole numbers as float32.</summary>
    public OnnxValue ToFloat() => graph.Node("Cast", [this], Attribute("to", Float));

    /// <summary>The mean over a dimension, which goes.</summary>
    public OnnxValue Mean(int axis) => graph.Node("ReduceMean", [this], Attribute("axes", [axis]), Attribute("keepdims", 0));

    /// <summary>Cuts a dimension in equal parts.</summary>
    public OnnxValue[] Split(int parts, int axis) => graph.Node("Split", parts, [this], Attribute("axis", axis));

    /// <summary>Elements of a dimension by index [n].</summary>
    public OnnxValue Gather(OnnxValue indices, int axis) => graph.Node("Gather", [this, indices], Attribute("axis", axis));

    public OnnxValue Slice(int axis, OnnxSize start, OnnxSize end) => graph.Node("Slice", [this, Sizes(start), Sizes(end), Integers(axis)]);

    /// <summary>The same elements in another shape; 0 = as it was, -1 = what is left.</summary>
    public OnnxValue Reshape(params ReadOnlySpan<OnnxSize> sizes) => Node("Reshape", Sizes(sizes));

    /// <summary>Repeats along dimensions of length 1.</summary>
    public OnnxValue Expand(params ReadOnlySpan<OnnxSize> sizes) => Node("Expand", Sizes(sizes));

    /// <summary>Zeros before the first and after the last element of each dimension: all the befores, then all the afters.</summary>
    public OnnxValue PadWithZeros(params ReadOnlySpan<OnnxSize> befores) => Node("Pad", Sizes(befores));

    public OnnxValue Transpose(params long[] order) => graph.Node("Transpose", [this], Attribute("perm", order));

    public OnnxValue Then(OnnxValue next, int axis) => graph.Node("Concat", [this, next], Attribute("axis", axis));

    /// <summary>Adds a node that takes this value, then <paramref name="others"/>.</summary>
    public OnnxValue Node(string type, params ReadOnlySpan<OnnxValue> others) => graph.Node(type, [this, .. others]);

    private OnnxValue Number(float number) => graph.Number(number);

    private OnnxValue Integers(params ReadOnlySpan<long> numbers) => graph.Integers(numbers);

    /// <summary>Sizes as one list: a constant where all of them are known.</summary>
    private OnnxValue Sizes(params ReadOnlySpan<OnnxSize> sizes)
    {
        List<OnnxValue> pieces = [];
        List<long> known = [];
        foreach (OnnxSize size in sizes)
        {
            if (size.Computed is null)
            {
                known.Add(size.Known);
                continue;
            }
            Flush();
            pieces.Add(size.Computed);
        }
        Flush();
        return pieces is [OnnxValue only] ? only : graph.Node("Concat", [.. pieces], Attribute("axis", 0));

        void Flush()
        {
            if (known.Count > 0)
                pieces.Add(Integers([.. known]));
            known.Clear();
        }
    }
}

/// <summary>The length of a dimension: a number, or a value [1] that is known only when the model runs.</summary>
internal readonly record struct OnnxSize(long Known, OnnxValue? Computed)
{
    public static implicit operator OnnxSize(long known) => new(known, null);

    public static implicit operator OnnxSize(OnnxValue computed) => new(0, computed);
}

using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Onnx;

namespace OtoMask.Export;

/// <summary>An ONNX graph under construction: constants and weights go in here, nodes come from the values (<see cref="OnnxValue"/>).</summary>
/// <remarks>Operators are those of opset 17, IR version 8: https://onnx.ai/onnx/operators/. Equal constants are stored once.</remarks>
internal sealed class OnnxGraph(string name)
{
    /// <summary>The set of operators that nodes are of.</summary>
    public const int Opset = 17;

    /// <summary>The type float32 by its number.</summary>
    public const int Float = (int)TensorProto.Types.DataType.Float;

    private const int IrVersion = 8;
    private const int Int64 = (int)TensorProto.Types.DataType.Int64;
    private readonly GraphProto graph = new() { Name = name };
    private readonly HashSet<string> constants = [];
    private string scope = "";

    /// <summary>A part of the model, such as <c>blocks.3.attn</c>: the nodes that are made until it is disposed carry its name.</summary>
    public IDisposable Within(string part) => new Scope(this, part);

    /// <summary>A float32 input whose sizes are all free.</summary>
    public OnnxValue Input(string name, params ReadOnlySpan<string> sizes)
    {
        var shape = new TensorShapeProto();
        foreach (string size in sizes)
            shape.Dim.Add(Free(size));
        graph.Input.Add(Info(name, shape));
        return new OnnxValue(this, name);
    }

    /// <summary>Makes a float32 value an output: free sizes first, then a fixed one.</summary>
    public void Output(OnnxValue value, string name, ReadOnlySpan<string> sizes, long width)
    {
        graph.Node.Add(new NodeProto { OpType = "Identity", Name = name, Input = { value.Name }, Output = { name } });
        var shape = new TensorShapeProto();
        foreach (string size in sizes)
            shape.Dim.Add(Free(size));
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = width });
        graph.Output.Add(Info(name, shape));
    }

    /// <summary>Float32 numbers that the model carries.</summary>
    public OnnxValue Weight(string name, float[] values, params ReadOnlySpan<long> shape) => Constant(name, Float, MemoryMarshal.AsBytes<float>(values).ToArray(), shape);

    /// <summary>A float32 number, of no dimension.</summary>
    public OnnxValue Number(float number) =>
        Constant(string.Create(CultureInfo.InvariantCulture, $"number_{number:R}"), Float, BitConverter.GetBytes(number), []);

    /// <summary>A list of whole numbers, [n].</summary>
    public OnnxValue Integers(params ReadOnlySpan<long> numbers) =>
        Constant($"integers_{string.Join('_', numbers.ToArray())}", Int64, MemoryMarshal.AsBytes(numbers).ToArray(), [numbers.Length]);

    /// <summary>A whole number, of no dimension.</summary>
    public OnnxValue Integer(long number) => Constant($"integer_{number}", Int64, BitConverter.GetBytes(number), []);

    /// <summary>Adds a node of one result.</summary>
    /// <param name="type">The operator.</param>
    /// <param name="inputs">What it takes.</param>
    /// <param name="attributes">Its fixed parameters; see <see cref="Attribute(string, long)"/>.</param>
    public OnnxValue Node(string type, ReadOnlySpan<OnnxValue> inputs, params ReadOnlySpan<AttributeProto> attributes) => Node(type, results: 1, inputs, attributes)[0];

    /// <summary>Adds a node of several results.</summary>
    public OnnxValue[] Node(string type, int results, ReadOnlySpan<OnnxValue> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        string unique = $"{scope}{type}_{graph.Node.Count}";
        var node = new NodeProto { OpType = type, Name = unique };
        foreach (OnnxValue input in inputs)
            node.Input.Add(input.Name);
        node.Output.Add(results == 1 ? [unique] : Enumerable.Range(0, results).Select(i => $"{unique}.{i}"));
        node.Attribute.Add(attributes.ToArray());
        graph.Node.Add(node);
        return [.. node.Output.Select(output => new OnnxValue(this, output))];
    }

    /// <summary>A whole number as a fixed parameter of a node.</summary>
    public static AttributeProto Attribute(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    /// <inheritdoc cref="Attribute(string, long)"/>
    public static AttributeProto Attribute(string name, float value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = value };

    /// <inheritdoc cref="Attribute(string, long)"/>
    public static AttributeProto Attribute(string name, long[] values) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints, Ints = { values } };

    /// <summary>The finished model; the graph is not to be changed after this.</summary>
    /// <param name="producer">The program's name.</param>
    /// <param name="version">Its version.</param>
    /// <param name="description">What the model is, for people.</param>
    /// <param name="metadata">The same for programs.</param>
    public ModelProto ToModel(string producer, string version, string description, IEnumerable<KeyValuePair<string, string>> metadata)
    {
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = producer, ProducerVersion = version, DocString = description, Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        model.MetadataProps.Add(metadata.Select(pair => new StringStringEntryProto { Key = pair.Key, Value = pair.Value }));
        return model;
    }

    private OnnxValue Constant(string name, int type, byte[] content, ReadOnlySpan<long> shape)
    {
        // The bytes are wrapped, not copied: a large model is held only once.
        if (constants.Add(name))
            graph.Initializer.Add(new TensorProto { Name = name, DataType = type, Dims = { shape.ToArray() }, RawData = UnsafeByteOperations.UnsafeWrap(content) });
        return new OnnxValue(this, name);
    }

    private static ValueInfoProto Info(string name, TensorShapeProto shape) =>
        new() { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = Float, Shape = shape } } };

    private static TensorShapeProto.Types.Dimension Free(string size) => new() { DimParam = size };

    private sealed class Scope : IDisposable
    {
        private readonly OnnxGraph graph;
        private readonly string outside;

        public Scope(OnnxGraph graph, string part)
        {
            (this.graph, outside) = (graph, graph.scope);
            graph.scope = $"{part}/";
        }

        public void Dispose() => graph.scope = outside;
    }
}

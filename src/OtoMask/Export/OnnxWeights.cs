using System.Runtime.InteropServices;
using OtoMask.Interop;

namespace OtoMask.Export;

/// <summary>A model's weights as constants of a graph, stored once however often they are taken.</summary>
/// <remarks>They keep the field's names; matrices are stored as [in, out], ready for the product x W.</remarks>
internal sealed class OnnxWeights(OnnxGraph graph, IEnumerable<SafetensorsEntry> entries)
{
    private readonly Dictionary<string, SafetensorsEntry> weights = entries.ToDictionary(entry => entry.Name);
    private readonly Dictionary<string, OnnxValue> stored = [];

    /// <summary>x W + b.</summary>
    public OnnxValue Linear(string name, OnnxValue x) => x.MatMul(Matrix($"{name}.weight")) + Vector($"{name}.bias");

    /// <summary>A weight as it is.</summary>
    public OnnxValue Vector(string name) => Stored(name, () => (Values(name), weights[name].Shape));

    /// <summary>A weight [out, ..] as a matrix [in, out].</summary>
    public OnnxValue Matrix(string name) => Stored(name, () => Transposed(Values(name), (int)weights[name].Shape[0]));

    /// <summary>What is to be made of weights before it is stored, under a name of the field.</summary>
    public OnnxValue Stored(string name, Func<(float[] Values, long[] Shape)> make)
    {
        if (!stored.TryGetValue(name, out OnnxValue? value))
        {
            (float[] values, long[] shape) = make();
            stored[name] = value = graph.Weight(name, values, shape);
        }
        return value;
    }

    /// <summary>The numbers of a weight, row-major.</summary>
    public float[] Values(string name)
    {
        SafetensorsEntry entry = weights[name];
        var values = new float[entry.Shape.Aggregate(1L, (count, size) => count * size)];
        entry.Fill(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static (float[] Values, long[] Shape) Transposed(float[] values, int outputs)
    {
        int inputs = values.Length / outputs;
        var transposed = new float[values.Length];
        for (int output = 0; output < outputs; output++)
        {
            for (int i = 0; i < inputs; i++)
                transposed[i * outputs + output] = values[output * inputs + i];
        }
        return (transposed, [inputs, outputs]);
    }
}

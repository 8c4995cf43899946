using System.Runtime.InteropServices;
using OtoMask.Interop;
using OtoMask.Models;

namespace OtoMask.Export;

// B chunks, L patches in each, N = 1 + L tokens, P values a patch, D width, h heads, d = D / h, (Nf, Nt) grid of the whole input.

/// <summary>The vision transformer of <see cref="MaskedModel.Encode"/>, in ONNX operators (METHOD section 3).</summary>
/// <remarks>Weights keep the field's names; matrices are stored as [in, out], ready for the product x W.</remarks>
internal sealed class OnnxEncoder(OnnxGraph graph, ModelShape model, IEnumerable<SafetensorsEntry> entries)
{
    private readonly BlockShape shape = model.Encoder;
    private readonly Dictionary<string, SafetensorsEntry> weights = entries.ToDictionary(entry => entry.Name);

    /// <summary>The positions of the model's whole input, [Nf, Nt, D].</summary>
    public OnnxValue Positions => graph.Weight("pos_embed", Values("pos_embed")[shape.Width..], model.GridRows, model.GridColumns, shape.Width);

    /// <summary>Patches [B, L, P] -> tokens [B, N, D], CLS first, after the last layer normalisation.</summary>
    /// <param name="patches">[B, L, P].</param>
    /// <param name="positions">[L, D].</param>
    /// <param name="mask">[B, 1, 1, N], added to the attention before its softmax.</param>
    public OnnxValue Encode(OnnxValue patches, OnnxValue positions, OnnxValue mask)
    {
        OnnxValue tokens = Embed(patches, positions);
        for (int i = 0; i < shape.Depth; i++)
            tokens = Block($"blocks.{i}", tokens, mask);
        return LayerNorm("norm", tokens);
    }

    private OnnxValue Embed(OnnxValue patches, OnnxValue positions)
    {
        using IDisposable part = graph.Within("patch_embed");
        OnnxValue embedded = patches.MatMul(Matrix("patch_embed.proj.weight")) + Vector("patch_embed.proj.bias") + positions; // [B, L, D]
        float[] cls = [.. Values("cls_token").Zip(Values("pos_embed"), (token, position) => token + position)]; // row 0 of the positions is its own
        return graph.Weight("cls_token", cls, 1, 1, shape.Width).Expand(patches.Size(0), 1, shape.Width).Then(embedded, axis: 1);
    }

    private OnnxValue Block(string name, OnnxValue x, OnnxValue mask)
    {
        x += Attention($"{name}.attn", LayerNorm($"{name}.norm1", x), mask);
        return x + Mlp($"{name}.mlp", LayerNorm($"{name}.norm2", x));
    }

    private OnnxValue Attention(string name, OnnxValue x, OnnxValue mask)
    {
        using IDisposable part = graph.Within(name);
        int size = shape.Width / shape.Heads;
        OnnxValue[] qkv = Linear($"{name}.qkv", x).Split(3, axis: 2); // [B, N, D] each
        OnnxValue query = qkv[0].Reshape(0, 0, shape.Heads, size).Transpose(0, 2, 1, 3); // [B, h, N, d]
        OnnxValue key = qkv[1].Reshape(0, 0, shape.Heads, size).Transpose(0, 2, 3, 1); // [B, h, d, N]
        OnnxValue value = qkv[2].Reshape(0, 0, shape.Heads, size).Transpose(0, 2, 1, 3); // [B, h, N, d]
        OnnxValue attention = ((query * (1 / MathF.Sqrt(size))).MatMul(key) + mask).Softmax(); // [B, h, N, N]
        return Linear($"{name}.proj", attention.MatMul(value).Transpose(0, 2, 1, 3).Reshape(0, 0, shape.Width));
    }

    private OnnxValue Mlp(string name, OnnxValue x)
    {
        using IDisposable part = graph.Within(name);
        return Linear($"{name}.fc2", Gelu(Linear($"{name}.fc1", x)));
    }

    /// <summary>The exact one: x (1 + erf(x / sqrt 2)) / 2, in the order that ONNX Runtime knows and fuses.</summary>
    private static OnnxValue Gelu(OnnxValue x) => x * ((x / MathF.Sqrt(2)).Erf() + 1f) * 0.5f;

    private OnnxValue Linear(string name, OnnxValue x) => x.MatMul(Matrix($"{name}.weight")) + Vector($"{name}.bias");

    private OnnxValue LayerNorm(string name, OnnxValue x) => graph.Node(
        "LayerNormalization", [x, Vector($"{name}.weight"), Vector($"{name}.bias")], OnnxGraph.Attribute("axis", -1), OnnxGraph.Attribute("epsilon", (float)Models.LayerNorm.Epsilon));

    private OnnxValue Vector(string name) => graph.Weight(name, Values(name), weights[name].Shape);

    /// <summary>A weight [out, ..] as a matrix [in, out].</summary>
    private OnnxValue Matrix(string name)
    {
        float[] stored = Values(name);
        int outputs = (int)weights[name].Shape[0], inputs = stored.Length / outputs;
        var transposed = new float[stored.Length];
        for (int output = 0; output < outputs; output++)
        {
            for (int i = 0; i < inputs; i++)
                transposed[i * outputs + output] = stored[output * inputs + i];
        }
        return graph.Weight(name, transposed, inputs, outputs);
    }

    private float[] Values(string name)
    {
        SafetensorsEntry entry = weights[name];
        var values = new float[entry.Shape.Aggregate(1L, (count, size) => count * size)];
        entry.Fill(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}

using OtoMask.Models;

namespace OtoMask.Export;

// B chunks, L patches in each, N = 1 + L tokens, P values a patch, D width, h heads, d = D / h, (Nf, Nt) grid of the whole input.

/// <summary>The vision transformer of <see cref="MaskedModel.Encode"/>, in ONNX operators (docs/method.md section 3).</summary>
internal sealed class OnnxEncoder(OnnxGraph graph, OnnxWeights weights, EncoderShape model)
{
    private readonly BlockShape shape = model.Encoder;

    /// <summary>The positions of the model's whole input, [Nf, Nt, D].</summary>
    public OnnxValue Positions => weights.Stored("pos_embed", () => (weights.Values("pos_embed")[shape.Width..], [model.Grid.Rows, model.Grid.Columns, shape.Width]));

    /// <summary>Patches [B, L, P] -> tokens [B, N, D], CLS first, after the last layer normalisation.</summary>
    /// <param name="patches">[B, L, P].</param>
    /// <param name="positions">[L, D].</param>
    /// <param name="mask">[B, 1, 1, N], added to the attention before its softmax.</param>
    public OnnxValue Encode(OnnxValue patches, OnnxValue positions, OnnxValue mask)
    {
        OnnxValue tokens = Embed(patches, positions);
        if (shape.PostNorm)
            tokens = LayerNorm("norm" + BlockStack.BeforeBlocks, tokens);
        for (int i = 0; i < shape.Depth; i++)
            tokens = shape.PostNorm ? PostNormBlock($"blocks.{i}", tokens, mask) : PreNormBlock($"blocks.{i}", tokens, mask);
        return shape.PostNorm ? tokens : LayerNorm("norm", tokens);
    }

    private OnnxValue Embed(OnnxValue patches, OnnxValue positions)
    {
        using IDisposable part = graph.Within("patch_embed");
        OnnxValue embedded = weights.Linear("patch_embed.proj", patches) + positions; // [B, L, D]
        OnnxValue cls = weights.Stored("cls_token", () =>
            ([.. weights.Values("cls_token").Zip(weights.Values("pos_embed"), (token, position) => token + position)], [1, 1, shape.Width])); // row 0 of the positions is its own
        return cls.Expand(patches.Size(0), 1, shape.Width).Then(embedded, axis: 1);
    }

    private OnnxValue PreNormBlock(string name, OnnxValue x, OnnxValue mask)
    {
        x += Attention($"{name}.attn", LayerNorm($"{name}.norm1", x), mask);
        return x + Mlp($"{name}.mlp", LayerNorm($"{name}.norm2", x));
    }

    private OnnxValue PostNormBlock(string name, OnnxValue x, OnnxValue mask)
    {
        x = LayerNorm($"{name}.norm1", x + Attention($"{name}.attn", x, mask));
        return LayerNorm($"{name}.norm2", x + Mlp($"{name}.mlp", x));
    }

    private OnnxValue Attention(string name, OnnxValue x, OnnxValue mask)
    {
        using IDisposable part = graph.Within(name);
        int size = shape.Width / shape.Heads;
        OnnxValue[] qkv = weights.Linear($"{name}.qkv", x).Split(3, axis: 2); // [B, N, D] each
        OnnxValue query = qkv[0].Reshape(0, 0, shape.Heads, size).Transpose(0, 2, 1, 3); // [B, h, N, d]
        OnnxValue key = qkv[1].Reshape(0, 0, shape.Heads, size).Transpose(0, 2, 3, 1); // [B, h, d, N]
        OnnxValue value = qkv[2].Reshape(0, 0, shape.Heads, size).Transpose(0, 2, 1, 3); // [B, h, N, d]
        OnnxValue attention = ((query * (1 / MathF.Sqrt(size))).MatMul(key) + mask).Softmax(); // [B, h, N, N]
        return weights.Linear($"{name}.proj", attention.MatMul(value).Transpose(0, 2, 1, 3).Reshape(0, 0, shape.Width));
    }

    private OnnxValue Mlp(string name, OnnxValue x)
    {
        using IDisposable part = graph.Within(name);
        return weights.Linear($"{name}.fc2", Gelu(weights.Linear($"{name}.fc1", x)));
    }

    /// <summary>The exact one: x (1 + erf(x / sqrt 2)) / 2, in the order that ONNX Runtime knows and fuses.</summary>
    private static OnnxValue Gelu(OnnxValue x) => x * ((x / MathF.Sqrt(2)).Erf() + 1f) * 0.5f;

    private OnnxValue LayerNorm(string name, OnnxValue x) => graph.Node(
        "LayerNormalization", [x, weights.Vector($"{name}.weight"), weights.Vector($"{name}.bias")],
        OnnxGraph.Attribute("axis", -1), OnnxGraph.Attribute("epsilon", (float)Models.LayerNorm.Epsilon));
}

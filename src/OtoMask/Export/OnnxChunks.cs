using OtoMask.Geometry;

namespace OtoMask.Export;

// B clips, F bands, T frames, (ph, pw) patch, P = ph * pw, (Nf, Nt) grid of the model's whole input, D width.
// T' = T / pw rounded up, columns of patches of a clip; C chunks, Nc columns in each, L = Nf * Nc patches in each.

/// <summary>
/// Takes clips of any length apart into chunks that the model can take, and puts what it makes of them together again, as
/// <see cref="Evaluation.EncoderSnapshot"/> does (docs/method.md section 7).
/// </summary>
/// <remarks>
/// The chunks of a batch must be alike. So a clip shorter than the model's input is one chunk just as long as itself (Nc = T'), and a longer one
/// is cut in whole chunks (Nc = Nt), the last of which is filled up with patches that nobody looks at: <see cref="Mask"/> hides them from
/// the attention, and <see cref="Join"/> drops them. That is the same as a shorter last chunk.
/// </remarks>
internal sealed class OnnxChunks
{
    private readonly OnnxGraph graph;
    private readonly InputGeometry input;
    private readonly OnnxValue logMel, columns, perChunk, count;

    /// <param name="graph">Where the nodes go.</param>
    /// <param name="logMel">[B, F, T], normalised.</param>
    /// <param name="input">The model's input and patches.</param>
    public OnnxChunks(OnnxGraph graph, OnnxValue logMel, InputGeometry input)
    {
        (this.graph, this.logMel, this.input) = (graph, logMel, input);
        using IDisposable part = graph.Within("chunks");
        columns = logMel.Size(2).DividedUpBy(input.PatchWidth); // T'
        perChunk = columns.AtMost(graph.Integers(input.Grid.Columns)); // Nc
        count = columns.DividedUpBy(input.Grid.Columns); // C
    }

    /// <summary>The patches of every chunk, [B * C, L, P], zero behind the end of a clip.</summary>
    public OnnxValue Cut()
    {
        using IDisposable part = graph.Within("chunks/cut");
        OnnxValue missing = count * perChunk * input.PatchWidth - logMel.Size(2);
        return logMel.PadWithZeros(0, 0, 0, 0, 0, missing) // [B, F, C * Nc * pw]
            .Reshape(0, input.Grid.Rows, input.PatchHeight, count, -1, input.PatchWidth)
            .Transpose(0, 3, 1, 4, 2, 5) // [B, C, Nf, Nc, ph, pw]
            .Reshape(-1, perChunk * input.Grid.Rows, input.PatchSize);
    }

    /// <summary>Of positions [Nf, Nt, D] those of a chunk's patches, [L, D]: the first columns of every row.</summary>
    public OnnxValue FirstColumnsOf(OnnxValue positions)
    {
        using IDisposable part = graph.Within("chunks/positions");
        return positions.Slice(1, 0, perChunk).Reshape(perChunk * input.Grid.Rows, -1);
    }

    /// <summary>What to add before the softmax, [B * C, 1, 1, 1 + L]: 0 where there is a patch or CLS, minus infinity behind the end of a clip.</summary>
    public OnnxValue Mask()
    {
        using IDisposable part = graph.Within("chunks/mask");
        OnnxValue exists = (count * perChunk).CountedFrom(0).Node("Less", columns); // [C * Nc]
        OnnxValue hidden = exists.Node("Where", graph.Number(0), graph.Number(float.NegativeInfinity));
        return hidden.Reshape(1, count, 1, -1)
            .Expand(logMel.Size(0), count, input.Grid.Rows, perChunk)
            .Reshape(-1, perChunk * input.Grid.Rows) // [B * C, L]
            .PadWithZeros(0, 1, 0, 0) // CLS
            .Reshape(0, 1, 1, -1);
    }

    /// <summary>Tokens [B * C, 1 + L, D] -> [B, T', Nf * D], without CLS: the frequency patches of a time step side by side.</summary>
    public OnnxValue Join(OnnxValue tokens, int width)
    {
        using IDisposable part = graph.Within("chunks/join");
        return tokens.Slice(1, 1, int.MaxValue)
            .Reshape(-1, count, input.Grid.Rows, perChunk, width)
            .Transpose(0, 1, 3, 2, 4) // [B, C, Nc, Nf, D]
            .Reshape(-1, count * perChunk, input.Grid.Rows * width)
            .Slice(1, 0, columns);
    }
}

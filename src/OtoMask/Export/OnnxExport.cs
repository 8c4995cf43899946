using Google.Protobuf;
using Onnx;
using OtoMask.Evaluation;
using OtoMask.Interop;

namespace OtoMask.Export;

// B clips, n samples, F bands, T frames, T' = T / pw time steps, Nf frequency patches, D width of a token.

/// <summary>An encoder as ONNX, front end inside: what <see cref="EncoderSnapshot"/> makes of any waveform of at least one sample.</summary>
/// <remarks>
/// Input <c>waveform</c> [B, n], float32 at the model's sampling rate; outputs <c>frames</c> [B, T', Nf * D] and <c>clip</c> [B, Nf * D], their mean
/// over time. B and n are free. The clips of a batch have one length; silence behind a shorter one would be encoded as sound.
/// </remarks>
internal static class OnnxExport
{
    private const string Producer = "OtoMask";

    // What a protobuf message can hold, and what the graph takes besides the weights, generously.
    private const long MostBytes = int.MaxValue, GraphBytes = 1 << 24;

    /// <summary>Writes the file, atomically.</summary>
    /// <exception cref="UserErrorException">The encoder is larger than ONNX can hold in one file, or the folder is missing or may not be written.</exception>
    public static void Write(ExportedModel model, string path)
    {
        RequireFits(model.EncoderWeights.Sum(entry => HostTensor.ByteCount(entry.DType, entry.Shape)));
        ModelProto proto = Graph(model).ToModel(Producer, Version, Describe(model), model.Metadata);
        AtomicFile.Write(path, stream => proto.WriteTo(stream));
    }

    /// <summary>Refuses weights that one protobuf message cannot hold.</summary>
    /// <param name="weightBytes">Bytes of the encoder's weights.</param>
    /// <exception cref="UserErrorException">They are too many.</exception>
    internal static void RequireFits(long weightBytes)
    {
        if (weightBytes + GraphBytes > MostBytes)
            throw new UserErrorException(FormattableString.Invariant(
                $"an encoder of {weightBytes / 1e9:0.0} GB does not fit in an ONNX file, which holds 2 GB; export safetensors instead"));
    }

    private static OnnxGraph Graph(ExportedModel model)
    {
        EncoderSnapshot encoder = model.Encoder;
        var graph = new OnnxGraph("encoder");
        OnnxValue waveform = graph.Input("waveform", "batch", "samples");
        OnnxValue logMel = OnnxFrontEnd.NormalisedLogMel(graph, waveform, encoder.LogMel, encoder.Statistics); // [B, F, T]
        var chunks = new OnnxChunks(graph, logMel, encoder.Input);
        var transformer = new OnnxEncoder(graph, encoder.Model.Shape, model.EncoderWeights);
        OnnxValue tokens = transformer.Encode(chunks.Cut(), chunks.FirstColumnsOf(transformer.Positions), chunks.Mask()); // [B * C, 1 + L, D]
        OnnxValue frames = chunks.Join(tokens, encoder.TokenWidth); // [B, T', Nf * D]
        graph.Output(frames, "frames", ["batch", "steps"], encoder.EmbeddingWidth);
        graph.Output(frames.Mean(axis: 1), "clip", ["batch"], encoder.EmbeddingWidth);
        return graph;
    }

    private static string Describe(ExportedModel model) => FormattableString.Invariant(
        $"{model.FieldName}: waveform [batch, samples] at {model.Encoder.LogMel.SampleRate} Hz to embeddings, frames [batch, steps, {model.Encoder.EmbeddingWidth}], ")
        + FormattableString.Invariant($"a step every {model.Encoder.Input.PatchWidth} frames of 10 ms, and clip [batch, {model.Encoder.EmbeddingWidth}], their mean");

    private static string Version => typeof(OnnxExport).Assembly.GetName().Version!.ToString(3);
}

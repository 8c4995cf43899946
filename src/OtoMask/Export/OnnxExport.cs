using Google.Protobuf;
using Onnx;
using OtoMask.Evaluation;
using OtoMask.Interop;

namespace OtoMask.Export;

// B clips, n samples, F bands, T frames, T' = T / pw time steps, Nf frequency patches, D width of a token, k units of a clip, C classes.

/// <summary>
/// An encoder as ONNX, front end inside: what <see cref="EncoderSnapshot"/> makes of any waveform of at least one sample, and with a head
/// what <see cref="FineTuning.Predictor"/> says of it.
/// </summary>
/// <remarks>
/// Input <c>waveform</c> [B, n], float32 at the model's sampling rate; outputs <c>frames</c> [B, T', Nf * D] and <c>clip</c> [B, Nf * D], their mean
/// over time; with a head also <c>logits</c> and <c>probabilities</c> [B, C]. B and n are free. The clips of a batch have one length; silence behind a
/// shorter one would be encoded as sound. The head hears a clip in units of the length that it was trained with, which are not the chunks that embeddings are made
/// of, so the encoder goes over the clip once for each.
/// </remarks>
internal static class OnnxExport
{
    private const string Producer = "OtoMask";

    // What a protobuf message can hold, and what the graph takes besides the weights, generously.
    private const long MostBytes = int.MaxValue, GraphBytes = 1 << 24;

    /// <summary>Writes the file, atomically.</summary>
    /// <exception cref="UserErrorException">The model is larger than ONNX can hold in one file, or the folder is missing or may not be written.</exception>
    public static void Write(ExportedModel model, string path)
    {
        RequireFits(model.WeightsInUse.Sum(entry => HostTensor.ByteCount(entry.DType, entry.Shape)));
        ModelProto proto = Graph(model).ToModel(Producer, Version, Describe(model), model.Metadata);
        AtomicFile.Write(path, stream => proto.WriteTo(stream));
    }

    /// <summary>Refuses weights that one protobuf message cannot hold.</summary>
    /// <param name="weightBytes">Bytes of all weights.</param>
    /// <exception cref="UserErrorException">They are too many.</exception>
    internal static void RequireFits(long weightBytes)
    {
        if (weightBytes + GraphBytes > MostBytes)
            throw new UserErrorException(FormattableString.Invariant(
                $"a model of {weightBytes / 1e9:0.0} GB does not fit in an ONNX file, which holds 2 GB; export safetensors instead"));
    }

    private static OnnxGraph Graph(ExportedModel model)
    {
        int width = model.Encoder.EmbeddingWidth;
        var graph = new OnnxGraph("encoder");
        var weights = new OnnxWeights(graph, model.WeightsInUse);
        OnnxValue waveform = graph.Input("waveform", "batch", "samples");
        OnnxValue frames = Frames(graph, weights, model.Encoder, waveform);
        graph.Output(frames, "frames", ["batch", "steps"], width);
        graph.Output(frames.Mean(axis: 1), "clip", ["batch"], width);
        if (model.Head is { } head)
            AddClasses(graph, weights, model.Encoder, head, waveform);
        return graph;
    }

    /// <summary>Waveforms [B, n] -> embeddings of every time step, [B, T', Nf * D].</summary>
    private static OnnxValue Frames(OnnxGraph graph, OnnxWeights weights, EncoderSnapshot encoder, OnnxValue waveform)
    {
        OnnxValue logMel = OnnxFrontEnd.NormalisedLogMel(graph, waveform, encoder.LogMel, encoder.Statistics); // [B, F, T]
        var chunks = new OnnxChunks(graph, logMel, encoder.Input);
        var transformer = new OnnxEncoder(graph, weights, encoder.Model.Shape);
        OnnxValue tokens = transformer.Encode(chunks.Cut(), chunks.FirstColumnsOf(transformer.Positions), chunks.Mask()); // [B * C, 1 + L, D]
        return chunks.Join(tokens, encoder.TokenWidth);
    }

    private static void AddClasses(OnnxGraph graph, OnnxWeights weights, EncoderSnapshot encoder, ExportedHead head, OnnxValue waveform)
    {
        int classes = head.State.Classes.Length;
        var units = new OnnxUnits(graph, waveform, head.State.UnitSamples);
        var classifier = new OnnxHead(graph, weights, head.State, encoder.Model.Shape);
        OnnxValue logits = classifier.Logits(Frames(graph, weights, encoder, units.Cut())); // [B * k, C]
        graph.Output(units.Average(logits, classes), "logits", ["batch"], classes);
        graph.Output(units.Average(classifier.Probabilities(logits), classes), "probabilities", ["batch"], classes);
    }

    private static string Describe(ExportedModel model) => FormattableString.Invariant(
        $"{model.FieldName}: waveform [batch, samples] at {model.Encoder.LogMel.SampleRate} Hz to embeddings, frames [batch, steps, {model.Encoder.EmbeddingWidth}], ")
        + FormattableString.Invariant($"a step every {model.Encoder.Input.PatchWidth} frames of 10 ms, and clip [batch, {model.Encoder.EmbeddingWidth}], their mean")
        + (model.Head is { } head ? FormattableString.Invariant($"; and to logits and probabilities [batch, {head.State.Classes.Length}] of the classes in the metadata") : "");

    private static string Version => typeof(OnnxExport).Assembly.GetName().Version!.ToString(3);
}

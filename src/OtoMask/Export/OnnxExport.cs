using Google.Protobuf;
using Onnx;
using OtoMask.Evaluation;
using OtoMask.FineTuning;
using OtoMask.Interop;

namespace OtoMask.Export;

// B clips, n samples, F bands, T frames, T' = T / pw time steps, Nf frequency patches, D width of a token, k units of a clip, C classes.

/// <summary>
/// An encoder as ONNX, front end inside: what <see cref="EncoderSnapshot"/> makes of any waveform of at least one sample, and with a head
/// what <see cref="Predictor"/> says of it.
/// </summary>
/// <remarks>
/// Input <c>waveform</c> [B, n], float32 at the model's sampling rate; outputs <c>frames</c> [B, T', Nf * D] and <c>clip</c> [B, Nf * D], their mean
/// over time; with a head also, or only, <c>logits</c> and <c>probabilities</c> [B, C]. B and n are free. The clips of a batch have one length; silence behind a
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
        var graph = new OnnxGraph("encoder");
        var weights = new OnnxWeights(graph, model.WeightsInUse);
        OnnxValue waveform = graph.Input("waveform", "batch", "samples");
        if (!model.ClassesOnly)
            AddEmbeddings(graph, weights, model.Encoder, waveform);
        if (model.Head is { } head)
            AddClasses(graph, weights, model.Encoder, head.State, waveform);
        return graph;
    }

    private static void AddEmbeddings(OnnxGraph graph, OnnxWeights weights, EncoderSnapshot encoder, OnnxValue waveform)
    {
        OnnxValue frames = Frames(graph, weights, encoder, waveform);
        graph.Output(frames, "frames", ["batch", "steps"], encoder.EmbeddingWidth);
        graph.Output(frames.Mean(axis: 1), "clip", ["batch"], encoder.EmbeddingWidth);
    }

    private static void AddClasses(OnnxGraph graph, OnnxWeights weights, EncoderSnapshot encoder, FineTunedState head, OnnxValue waveform)
    {
        int classes = head.Classes.Length;
        var units = new OnnxUnits(graph, waveform, head.UnitSamples);
        var classifier = new OnnxHead(graph, weights, head, encoder.Encoder.Shape);
        OnnxValue logits = classifier.Logits(Frames(graph, weights, encoder, units.Cut())); // [B * k, C]
        graph.Output(units.Average(logits, classes), "logits", ["batch"], classes);
        graph.Output(units.Average(classifier.Probabilities(logits), classes), "probabilities", ["batch"], classes);
    }

    /// <summary>Waveforms [B, n] -> embeddings of every time step, [B, T', Nf * D].</summary>
    private static OnnxValue Frames(OnnxGraph graph, OnnxWeights weights, EncoderSnapshot encoder, OnnxValue waveform)
    {
        OnnxValue logMel = OnnxFrontEnd.NormalisedLogMel(graph, waveform, encoder.LogMel, encoder.Statistics); // [B, F, T]
        var chunks = new OnnxChunks(graph, logMel, encoder.Input);
        var transformer = new OnnxEncoder(graph, weights, encoder.Encoder.Shape);
        OnnxValue tokens = transformer.Encode(chunks.Cut(), chunks.FirstColumnsOf(transformer.Positions), chunks.Mask()); // [B * C, 1 + L, D]
        return chunks.Join(tokens, encoder.TokenWidth);
    }

    private static string Describe(ExportedModel model)
    {
        EncoderSnapshot encoder = model.Encoder;
        List<string> results = [];
        if (!model.ClassesOnly)
            results.Add(FormattableString.Invariant(
                $"embeddings, frames [batch, steps, {encoder.EmbeddingWidth}], a step every {encoder.Input.PatchWidth} frames of 10 ms, and clip [batch, {encoder.EmbeddingWidth}], their mean"));
        if (model.Head is { } head)
            results.Add(FormattableString.Invariant($"logits and probabilities [batch, {head.State.Classes.Length}] of the classes that the metadata name"));
        return FormattableString.Invariant($"{model.FieldName}: waveform [batch, samples] at {encoder.LogMel.SampleRate} Hz to {string.Join("; ", results)}");
    }

    private static string Version => typeof(OnnxExport).Assembly.GetName().Version!.ToString(3);
}

using OtoMask.FineTuning;
using OtoMask.Models;

namespace OtoMask.Export;

// B clips, T' time steps of each, Nf frequency patches, D width of a token, C classes.

/// <summary>What <see cref="Classifier.Logits"/> does behind the encoder, in ONNX operators (docs/evaluation.md section 2).</summary>
internal sealed class OnnxHead(OnnxGraph graph, OnnxWeights weights, FineTunedState head, EncoderShape model)
{
    /// <summary>Embeddings of every time step [B, T', Nf * D] -> [B, C], before softmax or sigmoid.</summary>
    public OnnxValue Logits(OnnxValue frames)
    {
        using IDisposable part = graph.Within("head");
        OnnxValue features = frames.Mean(axis: 1); // [B, Nf * D]
        if (head.Feature == ClipFeature.Flat)
            features = features.Reshape(0, model.Grid.Rows, model.Encoder.Width).Mean(axis: 1); // [B, D]
        OnnxValue mean = weights.Vector(Classifier.HeadNorm + ".running_mean"), variance = weights.Vector(Classifier.HeadNorm + ".running_var");
        return weights.Linear(Classifier.HeadLinear, (features - mean) / (variance + (float)Classifier.Epsilon).Root());
    }

    /// <summary>[B, C] -> [B, C] in 0 .. 1, of sum 1 unless a clip may be of several classes.</summary>
    public OnnxValue Probabilities(OnnxValue logits)
    {
        using IDisposable part = graph.Within("head");
        return head.MultiLabel ? logits.Sigmoid() : logits.Softmax();
    }
}

using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace OtoMask.Tests.Export;

/// <summary>An exported encoder, loaded by ONNX Runtime.</summary>
internal sealed class OnnxRun : IDisposable
{
    private readonly InferenceSession session;

    public OnnxRun(string path, GraphOptimizationLevel level)
    {
        Path = path;
        using var options = new SessionOptions { GraphOptimizationLevel = level, IntraOpNumThreads = 1 };
        session = new InferenceSession(path, options);
    }

    public string Path { get; }

    /// <summary>Embeds waveforms of one length: frames [B, T', Nf * D], clip [B, Nf * D].</summary>
    public (DenseTensor<float> Frames, DenseTensor<float> Clip) Encode(params float[][] waveforms) => Run(waveforms, "frames", "clip");

    /// <summary>Classifies waveforms of one length: [B, C] each.</summary>
    public (DenseTensor<float> Logits, DenseTensor<float> Probabilities) Classify(params float[][] waveforms) => Run(waveforms, "logits", "probabilities");

    public void Dispose() => session.Dispose();

    private (DenseTensor<float>, DenseTensor<float>) Run(float[][] waveforms, string first, string second)
    {
        var batch = new DenseTensor<float>(waveforms.SelectMany(waveform => waveform).ToArray(), [waveforms.Length, waveforms[0].Length]);
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("waveform", batch)]);
        return (Copy(first), Copy(second));

        DenseTensor<float> Copy(string name) => (DenseTensor<float>)results.Single(result => result.Name == name).AsTensor<float>().Clone();
    }
}

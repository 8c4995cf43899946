namespace OtoMask.Export;

/// <summary>A kind of file that a model can be written as.</summary>
/// <param name="Name">What users call it; also the extension.</param>
/// <param name="Summary">What it is good for, in one line.</param>
/// <param name="Write">Writes the model to a path, atomically.</param>
public sealed record ExportFormat(string Name, string Summary, Action<ExportedModel, string> Write);

/// <summary>The kinds of file that models are written as.</summary>
public static class KnownExports
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<ExportFormat> All { get; } =
    [
        new("onnx", "the encoder with its front end, waveform in, embeddings and, of a fine-tuned one, class probabilities out, for ONNX Runtime and others", OnnxExport.Write),
        new("safetensors", "weights under the field's names, geometry in the metadata", SafetensorsExport.Write),
        new("pth", "the same as a PyTorch checkpoint, for published M2D code", PyTorchExport.Write),
    ];

    /// <summary>The format of that name.</summary>
    /// <exception cref="UserErrorException">There is none.</exception>
    public static ExportFormat Find(string name) => All.FirstOrDefault(format => format.Name == name)
        ?? throw new UserErrorException($"unknown format '{name}'; choose one of {string.Join(", ", All.Select(format => format.Name))}");
}

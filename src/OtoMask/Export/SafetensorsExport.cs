using OtoMask.FineTuning;
using OtoMask.Interop;

namespace OtoMask.Export;

/// <summary>
/// A model as safetensors: weights under the field's names, geometry, shape, front end and normalisation in the metadata; of a fine-tuned one all
/// that <see cref="FineTunedCheckpoint"/> reads, so that it can predict.
/// </summary>
internal static class SafetensorsExport
{
    /// <summary>Writes the file, atomically.</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(ExportedModel model, string path)
    {
        var metadata = new Dictionary<string, string>(model.Metadata) { ["format"] = "pt" };
        if (model.Head is { } head)
            metadata[FineTunedCheckpoint.StateKey] = head.State.ToJson();
        SafetensorsFile.Write(path, model.Weights, metadata);
    }
}

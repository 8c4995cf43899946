using OtoMask.Interop;

namespace OtoMask.Export;

/// <summary>A model as safetensors: weights under the field's names, geometry, shape, front end and normalisation in the metadata.</summary>
internal static class SafetensorsExport
{
    /// <summary>Writes the file, atomically.</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(ExportedModel model, string path) =>
        SafetensorsFile.Write(path, model.Weights, new Dictionary<string, string>(model.Metadata) { ["format"] = "pt" });
}

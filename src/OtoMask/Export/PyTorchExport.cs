using OtoMask.Interop;

namespace OtoMask.Export;

/// <summary>
/// A model as the published M2D code saves one (docs/method.md section 8): a dict with <c>model</c>, the state dict, and <c>args</c>, the geometry
/// and the classes as plain data.
/// </summary>
/// <remarks>That code takes the geometry from the name of the folder that the file lies in: <see cref="ExportedModel.FieldName"/>.</remarks>
internal static class PyTorchExport
{
    /// <summary>Writes the file, atomically.</summary>
    /// <exception cref="UserErrorException">The folder is missing or may not be written.</exception>
    public static void Write(ExportedModel model, string path) => PyTorchCheckpoint.Write(path, new OrderedDictionary<string, object?>
    {
        ["model"] = new OrderedDictionary<string, object?>(model.Weights.Select(entry => KeyValuePair.Create(entry.Name, (object?)entry))),
        ["args"] = model.Arguments,
    });
}

using OtoMask.Configuration;
using OtoMask.Evaluation;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.Weights;

/// <summary>Makes a run folder of ours of a model from elsewhere, so that every command takes it without being told its geometry again.</summary>
public static class ModelImport
{
    /// <summary>Writes <c>config.yaml</c>, with what the model is, and one checkpoint with its weights as float32 and no state of an optimiser.
    /// Nothing is written where a tensor is missing or has another shape.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">A folder that holds no run.</param>
    /// <exception cref="UserErrorException">The tensors do not make the model, or the folder cannot be written.</exception>
    public static void Write(SavedModel model, RunFolder folder)
    {
        PretrainingConfig config = Describe(model);
        config.ValidateModel();
        IReadOnlyList<ConfigKey<PretrainingConfig>> keys = [.. ConfigKeys.OfModels.Where(key => model.Framework is not null || key.Name != "framework")];
        var state = new CheckpointState(
            CheckpointState.CurrentVersion, 0, 0, keys.ToDictionary(config), model.Normalisation.Mean, model.Normalisation.Std, ManifestHash: "", Program: ProgramVersion.Current);
        using IDisposable loaded = Load(model, out IEnumerable<SafetensorsEntry> weights);
        folder.Create();
        try
        {
            ConfigFile.Write(folder.Config, config, keys);
            Checkpoint.Write(folder.CheckpointOf(0), weights, state); // last, for it makes the folder a run
        }
        catch
        {
            folder.Discard();
            throw;
        }
    }

    /// <summary>Loads what there is, which checks every name and shape.</summary>
    private static IDisposable Load(SavedModel saved, out IEnumerable<SafetensorsEntry> weights)
    {
        if (saved.Framework is null)
        {
            EncoderSnapshot encoder = saved.LoadEncoder(Device.Cpu);
            weights = ModelWeights.Entries(encoder.Encoder);
            return encoder;
        }
        MaskedModel model = saved.LoadModel(Device.Cpu);
        weights = ModelWeights.Entries(model);
        return model;
    }

    private static PretrainingConfig Describe(SavedModel model) => new()
    {
        From = Path.GetFullPath(model.File),
        Framework = model.Framework ?? KnownFrameworks.M2d,
        Encoder = model.Encoder,
        Decoder = model.Decoder,
        SampleRate = model.LogMel.SampleRate,
        Input = model.Input.InputText,
        Patch = model.Input.PatchText,
    };
}

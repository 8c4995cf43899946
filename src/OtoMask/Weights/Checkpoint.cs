using System.Text.Json;
using OtoMask.Configuration;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.Weights;

/// <summary>
/// A training state on disk: one safetensors file with the weights under the field's names, the optimiser's moments, and the
/// <see cref="CheckpointState"/> as JSON in its metadata, under one checksum. One file, so that it is whole or absent.
/// </summary>
internal sealed class Checkpoint
{
    private const string StateKey = "otomask.state";

    private static readonly JsonSerializerOptions Strict = new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    private readonly string path;
    private readonly IReadOnlyDictionary<string, HostTensor> tensors;

    private Checkpoint(string path, IReadOnlyDictionary<string, HostTensor> tensors, CheckpointState state) =>
        (this.path, this.tensors, State) = (path, tensors, state);

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>What the checkpoint says about itself.</summary>
    public CheckpointState State { get; }

    /// <summary>Writes the state of a run, atomically.</summary>
    public static void Write(string path, MaskedModel model, AdamW optimizer, CheckpointState state)
    {
        using var scope = new TensorScope();
        Write(path, ModelWeights.Entries(model).Concat(OptimizerMemory.Entries(optimizer, model.Trained)), state);
    }

    /// <summary>Writes weights of a model that is not being trained, atomically.</summary>
    internal static void Write(string path, IEnumerable<SafetensorsEntry> weights, CheckpointState state) => SafetensorsFile.Write(
        path, weights.Append(ModelWeights.Entry(state.Normalisation)), new Dictionary<string, string> { ["format"] = "pt", [StateKey] = JsonSerializer.Serialize(state) });

    /// <summary>Reads and verifies a checkpoint, or the newest one of a run folder.</summary>
    /// <exception cref="UserErrorException">There is none, or it does not verify; of a run folder the newest one that does is then named.</exception>
    public static Checkpoint Read(string path) => Directory.Exists(path) ? new RunFolder(path).ReadNewest(ReadFile) : ReadFile(path);

    private static Checkpoint ReadFile(string path) => Of(path, SafetensorsFile.Read(path, requireChecksum: true))
        ?? throw new UserErrorException($"{path} is no checkpoint of otomask; give a run folder or one of its checkpoints/");

    /// <summary>The checkpoint that a file's content is; null for weights that another program wrote.</summary>
    /// <exception cref="UserErrorException">It is one, but does not verify.</exception>
    internal static Checkpoint? Of(string path, SafetensorsContent content)
    {
        if (!content.Metadata.TryGetValue(StateKey, out string? json))
            return null;
        if (!content.IsVerified)
            throw new UserErrorException($"{path}: a checkpoint without its checksum, so it cannot be trusted to be whole; use another copy");
        var checkpoint = new Checkpoint(path, content.Tensors, Parse(path, json));
        PretrainingConfig config = checkpoint.State.ParsedConfig;
        ModelWeights.RequireEnough(path, content.Tensors, config.ModelShape, checkpoint.HasDecoder ? config.Framework : null);
        return checkpoint;
    }

    /// <summary>The weights by the field's names, without the optimiser's state.</summary>
    internal IReadOnlyDictionary<string, HostTensor> Weights => tensors.Where(pair => !OptimizerMemory.Holds(pair.Key)).ToDictionary();

    /// <summary>Whether it holds more than an encoder; what was imported may not.</summary>
    internal bool HasDecoder => State.IsOfRun || tensors.Keys.Any(WeightNames.IsOfDecoder);

    /// <summary>A model with this checkpoint's weights.</summary>
    /// <param name="device">Where the model lives.</param>
    /// <param name="gradientType">Type of the gradients, float32 or bfloat16.</param>
    /// <exception cref="UserErrorException">The weights do not fit the configuration.</exception>
    public MaskedModel LoadModel(Device device, DType gradientType = DType.Float32)
    {
        PretrainingConfig config = State.ParsedConfig;
        return ModelWeights.Filled(config.Framework.CreateModel(config.ModelShape, config.Seed, device, gradientType), model => ModelWeights.Load(model, tensors, path));
    }

    /// <summary>Puts the optimiser of a model loaded from here in this checkpoint's state.</summary>
    public void LoadOptimizer(MaskedModel model, AdamW optimizer) => OptimizerMemory.Restore(optimizer, model.Trained, State.OptimizerSteps, tensors, path);

    private static CheckpointState Parse(string path, string json)
    {
        CheckpointState state;
        try
        {
            state = JsonSerializer.Deserialize<CheckpointState>(json, Strict) ?? throw new JsonException("empty");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path}: its state cannot be read ({error.Message.ReplaceLineEndings(" ")})", error);
        }
        if (state is not { Step: >= 0, OptimizerSteps: >= 0, Std: > 0 } || !float.IsFinite(state.Mean) || !float.IsFinite(state.Std) || !float.IsFinite(state.Noise?.Mean ?? 0))
            throw new UserErrorException($"{path}: its state is impossible (step {state.Step}, mean {state.Mean}, deviation {state.Std}); use another copy");
        if (state.Version != CheckpointState.CurrentVersion)
            throw new UserErrorException($"{path} is of version {state.Version}, this program reads {CheckpointState.CurrentVersion}; use the program that wrote it: {state.WrittenBy}");
        try
        {
            if (state.IsOfRun)
                state.ParsedConfig.Validate();
            else
                state.ParsedConfig.ValidateModel();
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"{path}: {error.Message}", error);
        }
        return state;
    }
}

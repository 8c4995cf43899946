using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using OtoMask.Data;
using OtoMask.Interop;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>What a checkpoint says about itself besides its tensors.</summary>
/// <param name="Version">Of this record; a reader refuses one it does not know.</param>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="OptimizerSteps">Updates that AdamW has made; fewer than the steps where some were skipped.</param>
/// <param name="Config">The resolved configuration.</param>
/// <param name="Mean">Mean of the log-mels of the data.</param>
/// <param name="Std">Their standard deviation.</param>
/// <param name="ManifestHash">Of the list of clips trained on.</param>
/// <param name="Clips">How many clips that list has; 0 in checkpoints that do not tell.</param>
/// <param name="Program">Version of the program that wrote it, with its commit where that is known; empty in checkpoints that do not tell.</param>
public sealed record CheckpointState(
    int Version, long Step, long OptimizerSteps, Dictionary<string, string> Config, float Mean, float Std, string ManifestHash, int Clips = 0, string Program = "")
{
    /// <summary>The version this program writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The version of this program, with its commit where that is known: <c>0.1.0+5077cde...</c>.</summary>
    public static string CurrentProgram { get; } = typeof(CheckpointState).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>What the names of masking strategies in <see cref="Config"/> mean in checkpoints that this program writes.</summary>
    internal const int CurrentMaskNames = 2;

    /// <summary>Of what time the names of masking strategies are. 1, or no word of it: <c>inverse-block</c> and <c>block</c> are those that now end in <c>-from-start</c>.</summary>
    public int MaskNames { get; init; } = 1;

    /// <summary>The configuration as values, by the names of today.</summary>
    /// <exception cref="UserErrorException">A key is unknown or its value is impossible.</exception>
    [JsonIgnore]
    public PretrainingConfig ParsedConfig => MaskNames < CurrentMaskNames ? ConfigAsWritten with { Mask = KnownMaskings.NameNow(ConfigAsWritten.Mask) } : ConfigAsWritten;

    /// <summary>The configuration as values, by the names of its time: where one means something else today, a run that goes on by it is another.</summary>
    /// <exception cref="UserErrorException">A key is unknown or its value is impossible.</exception>
    [JsonIgnore]
    public PretrainingConfig ConfigAsWritten => ConfigKeys.All.Parse(Config, new PretrainingConfig(), WrittenBy);

    /// <summary>The change with a remark where the user changed nothing and a name means something else today.</summary>
    internal ConfigChange Explained(ConfigChange change) => change.Key == "mask" && change.New == ConfigAsWritten.Mask
        ? change with { Remark = $"{change.New} did not begin randomly when the run began; that is {change.Old} now, so to go on as it was say --mask {change.Old}" }
        : change;

    /// <summary>Whether it is of a run, which can go on from it; a model that was imported has weights alone.</summary>
    [JsonIgnore]
    public bool IsOfRun => Config.ContainsKey("data");

    /// <summary>The program that wrote it, for messages.</summary>
    internal string WrittenBy => NameOf(Program);

    /// <summary>The background noise of the run, if any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NoiseState? Noise { get; init; }

    /// <summary>Clips of the data that are left out though they can be read; null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LeftOutClip>? LeftOut { get; init; }

    /// <summary>Normalisation of the data.</summary>
    [JsonIgnore]
    public NormalisationStatistics Normalisation => new(Mean, Std);

    /// <summary>The values of a configuration by key.</summary>
    public static Dictionary<string, string> ToDictionary(PretrainingConfig config) => ConfigKeys.All.ToDictionary(config);

    /// <summary>What messages call a program of some version, or of none that is known.</summary>
    internal static string NameOf(string program) => program.Length > 0 ? $"otomask {program}" : "another version of otomask";
}

/// <summary>What a checkpoint says about background noise.</summary>
/// <param name="Mean">Mean of the log-mels of the noise.</param>
/// <param name="ManifestHash">Of the list of its clips.</param>
/// <param name="Clips">How many clips that list has.</param>
public sealed record NoiseState(float Mean, string ManifestHash, int Clips)
{
    /// <summary>Clips of it that are left out though they can be read; null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LeftOutClip>? LeftOut { get; init; }
}

/// <summary>
/// A training state on disk: one safetensors file with the weights under the field's names, the optimiser's moments, and the
/// <see cref="CheckpointState"/> as JSON in its metadata, under one checksum. One file, so that it is whole or absent.
/// </summary>
public sealed class Checkpoint
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
        ModelWeights.RequireEnough(path, content.Tensors, config.Geometry, config.ModelShape.Encoder, checkpoint.HasDecoder ? config.ModelShape.Decoder : null);
        return checkpoint;
    }

    /// <summary>The weights by the field's names, without the optimiser's state.</summary>
    internal IReadOnlyDictionary<string, HostTensor> Weights => tensors.Where(pair => !OptimizerMemory.Holds(pair.Key)).ToDictionary();

    /// <summary>Whether it holds more than an encoder; what was imported may not.</summary>
    internal bool HasDecoder => State.IsOfRun || tensors.Keys.Any(name => name.StartsWith("decoder_", StringComparison.Ordinal));

    /// <summary>A model with this checkpoint's weights.</summary>
    /// <param name="device">Where the model lives.</param>
    /// <param name="gradientType">Type of the gradients, float32 or bfloat16.</param>
    /// <exception cref="UserErrorException">The weights do not fit the configuration.</exception>
    public MaskedModel LoadModel(Device device, DType gradientType = DType.Float32)
    {
        PretrainingConfig config = State.ParsedConfig;
        return ModelWeights.Filled(MaskedModel.Create(config.Framework, config.ModelShape, config.Seed, device, gradientType), model => ModelWeights.Load(model, tensors, path));
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

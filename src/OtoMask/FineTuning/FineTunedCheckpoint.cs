using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.FineTuning;

/// <summary>
/// A fine-tuned model on disk: one safetensors file with the encoder and <c>head.*</c> under the field's names, and the
/// <see cref="FineTunedState"/> with the classes as JSON in its metadata, under one checksum; with the optimiser's memory where the
/// run is to go on from it.
/// </summary>
public sealed class FineTunedCheckpoint
{
    /// <summary>The key of the <see cref="FineTunedState"/> in the metadata.</summary>
    internal const string StateKey = "otomask.finetuned";

    private readonly string path;
    private readonly IReadOnlyDictionary<string, HostTensor> tensors;

    private FineTunedCheckpoint(string path, IReadOnlyDictionary<string, HostTensor> tensors, FineTunedState state) =>
        (this.path, this.tensors, State) = (path, tensors, state);

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>What the checkpoint says about itself.</summary>
    internal FineTunedState State { get; }

    /// <summary>How the run is configured that wrote it.</summary>
    /// <exception cref="UserErrorException">A key is unknown or its value is impossible.</exception>
    public FineTuningConfig Config => State.ParsedConfig;

    /// <summary>Writes a model, atomically.</summary>
    /// <param name="path">Where it is to lie.</param>
    /// <param name="model">The model.</param>
    /// <param name="optimizer">The optimiser to go on with, or null for the model alone.</param>
    /// <param name="state">What the file says about itself.</param>
    internal static void Write(string path, Classifier model, IOptimizer? optimizer, FineTunedState state)
    {
        using var scope = new TensorScope();
        IEnumerable<SafetensorsEntry> weights = model.Trained.Parameters.Select(parameter => ModelWeights.Entry(parameter.Name, parameter.Shape, parameter.Value));
        IEnumerable<SafetensorsEntry> running = model.Running.Select(pair => ModelWeights.Entry(pair.Name, pair.Values.Shape, pair.Values));
        IEnumerable<SafetensorsEntry> memory = optimizer is null ? [] : OptimizerMemory.Entries(optimizer, model.Trained);
        SafetensorsEntry positions = ModelWeights.Entry(model.Positions.Name, model.Positions.Shape, model.Positions.Values);
        SafetensorsEntry statistics = ModelWeights.Entry(state.InputOfModel().Statistics);
        SafetensorsFile.Write(path, weights.Concat([positions, statistics]).Concat(running).Concat(memory), Metadata(model, state));
    }

    /// <summary>Reads and verifies the best epoch of a run, or a file.</summary>
    /// <exception cref="UserErrorException">There is none, or it does not verify.</exception>
    public static FineTunedCheckpoint Read(string path)
    {
        if (!Directory.Exists(path))
            return ReadFile(path);
        string best = new RunFolder(path).BestCheckpoint;
        return File.Exists(best) ? ReadFile(best) : throw new UserErrorException($"{path} holds no fine-tuned model; give a folder that `FineTuner` wrote");
    }

    /// <summary>Reads and verifies what a run goes on from: its newest checkpoint, or the one named.</summary>
    /// <exception cref="UserErrorException">There is none, or it does not verify; the newest one that does is then named.</exception>
    public static FineTunedCheckpoint ReadToResume(string path) => Directory.Exists(path) ? new RunFolder(path).ReadNewest(ReadFile) : ReadFile(path);

    /// <summary>The checkpoint that a model with a head was opened from; null where it is not fine-tuned.</summary>
    /// <exception cref="UserErrorException">What it says about itself cannot be read.</exception>
    internal static FineTunedCheckpoint? Of(SavedModel saved) => Of(saved.File, saved.Tensors, saved.Metadata);

    /// <summary>What the model takes.</summary>
    /// <exception cref="UserErrorException">The file is inconsistent.</exception>
    internal ClassifierInput Input => State.InputOfModel();

    /// <summary>The head's tensors, float32, under the field's names.</summary>
    /// <exception cref="UserErrorException">One is missing, or does not fit what the file says.</exception>
    internal IReadOnlyList<SafetensorsEntry> HeadWeights =>
    [
        .. Classifier.HeadTensors(State.ShapeOfModel(), State.Feature, State.Classes.Length)
            .Select(head => SafetensorsEntry.Of(head.Name, HostTensor.FromFloats(ModelWeights.Find(head.Shape, tensors, head.Name, path), head.Shape))),
    ];

    /// <summary>A model with this checkpoint's weights.</summary>
    /// <exception cref="UserErrorException">The weights do not fit what the file says.</exception>
    internal Classifier LoadModel(Device device)
    {
        EncoderShape shape = State.ShapeOfModel();
        RequireWeightsOf(shape);
        return ModelWeights.Filled(new Classifier(shape, State.Feature, State.Classes.Length, State.ParsedConfig.Seed, device), model =>
        {
            WeightNames.RequireModel(path, tensors, [.. model.Trained.Parameters.Select(parameter => parameter.Name), .. model.Running.Select(pair => pair.Name)], [model.Positions.Name]);
            foreach (Parameter parameter in model.Trained.Parameters)
                ModelWeights.Fill(parameter.Value, parameter.Shape, tensors, parameter.Name, path);
            foreach ((string name, Tensor values) in model.Running)
                ModelWeights.Fill(values, values.Shape, tensors, name, path);
            ModelWeights.Fill(model.Positions.Values, model.Positions.Shape, tensors, model.Positions.Name, path);
        });
    }

    /// <summary>Puts the optimiser of a model loaded from here in this checkpoint's state.</summary>
    /// <exception cref="UserErrorException">The file holds the model alone.</exception>
    internal void LoadOptimizer(Classifier model, IOptimizer optimizer) => OptimizerMemory.Restore(optimizer, model.Trained, State.OptimizerSteps, tensors, path);

    private static FineTunedCheckpoint ReadFile(string path)
    {
        const string WhatToGive = "give a folder that `FineTuner` wrote, one of its checkpoints/, or what `ExportFormat.Write` made of it";
        if (System.IO.Path.GetExtension(path).ToLowerInvariant() is ".onnx" or ".pth" or ".pt")
            throw new UserErrorException($"{path} is for other programs; {WhatToGive}");
        SafetensorsContent content = SafetensorsFile.Read(path, requireChecksum: true);
        return Of(path, content.Tensors, content.Metadata) ?? throw new UserErrorException($"{path} is no fine-tuned model; {WhatToGive}");
    }

    private static FineTunedCheckpoint? Of(string path, IReadOnlyDictionary<string, HostTensor> tensors, IReadOnlyDictionary<string, string> metadata) =>
        metadata.TryGetValue(StateKey, out string? json) ? new FineTunedCheckpoint(path, tensors, FineTunedState.Parse(path, json)).RequireVariances() : null;

    private FineTunedCheckpoint RequireVariances()
    {
        const string Name = Classifier.HeadNorm + ".running_var";
        return tensors.TryGetValue(Name, out HostTensor? variances) && variances.ToFloats().Any(variance => variance < 0)
            ? throw new UserErrorException($"{path}: {Name} holds variances below 0; use another copy")
            : this;
    }

    /// <summary>The state, and what <see cref="SavedModel"/> asks of a file of weights, so that every command takes the encoder.</summary>
    private static Dictionary<string, string> Metadata(Classifier model, FineTunedState state)
    {
        InputGeometry input = state.InputOfModel().Geometry;
        return new Dictionary<string, string>
        {
            ["format"] = "pt",
            ["input_size"] = input.InputText,
            ["patch_size"] = input.PatchText,
            ["num_heads"] = $"{model.Shape.Encoder.Heads}",
            ["sample_rate"] = $"{state.LogMel.SampleRate}",
            [StateKey] = state.ToJson(),
        };
    }

    /// <summary>Looks, before anything is allocated, whether the file holds as wide, as deep and as long an encoder as it claims.</summary>
    private void RequireWeightsOf(EncoderShape shape)
    {
        BlockShape encoder = shape.Encoder;
        bool isWide = tensors.TryGetValue("patch_embed.proj.weight", out HostTensor? patch) && patch.Shape is [var width, ..] && width == encoder.Width && patch.Count == (long)width * shape.PatchSize;
        bool isLong = tensors.TryGetValue("pos_embed", out HostTensor? positions) && positions.Count == (1L + shape.PatchCount) * encoder.Width;
        if (!isWide || !isLong || !tensors.ContainsKey($"blocks.{encoder.Depth - 1}.norm1.weight") || State.Classes.Length < 2)
            throw new UserErrorException($"{path}: its weights do not make the encoder {State.Encoder} with {State.Classes.Length} classes that it claims to be; use another copy");
    }
}

using System.Globalization;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Evaluation;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.Weights;

/// <summary>
/// A pre-trained model on disk, whoever wrote it: a run folder, one of its checkpoints, weights of the field as safetensors or as a PyTorch
/// checkpoint (<c>.pth</c>), or a folder with one of these. The one way from a path to a model.
/// </summary>
/// <remarks>Nothing in a PyTorch checkpoint can run (<see cref="PyTorchCheckpoint"/>). What foreign files do not say, such as heads or the input,
/// comes from the user, the stored arguments, the published name or a default, and is checked against the shapes of the tensors.</remarks>
public sealed class SavedModel
{
    private const string Safetensors = ".safetensors";
    private static readonly string[] WeightFiles = [".pth", ".pt", Safetensors];

    private SavedModel(string name, string file) => (Name, File) = (name, file);

    /// <summary>What the user called it: the path as given.</summary>
    public string Name { get; }

    /// <summary>The file that holds the weights.</summary>
    public string File { get; }

    /// <summary>How it was pre-trained; null where the file holds an encoder alone.</summary>
    public required Framework? Framework { get; init; }

    /// <summary>Width, depth and heads of the encoder.</summary>
    public required BlockShape Encoder { get; init; }

    /// <summary>Those of the decoder or predictor; null where the file holds an encoder alone.</summary>
    public required BlockShape? Decoder { get; init; }

    /// <summary>Its input and patches.</summary>
    public required InputGeometry Input { get; init; }

    /// <summary>The front end it was trained with.</summary>
    public required LogMelSettings LogMel { get; init; }

    /// <summary>Mean and deviation that its log-mels are normalised with.</summary>
    public required NormalisationStatistics Normalisation { get; init; }

    /// <summary>What the file did not say and was taken for granted, a line each.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>Values by the field's parameter names (docs/method.md section 8).</summary>
    public required IReadOnlyDictionary<string, HostTensor> Tensors { get; init; }

    /// <summary>What a safetensors file says besides; empty for others.</summary>
    internal IReadOnlyDictionary<string, string> Metadata { get; private init; } = new Dictionary<string, string>();

    /// <summary>Opens whatever model lies at a path, and checks all of it.</summary>
    /// <param name="path">Run folder, checkpoint, safetensors, PyTorch checkpoint, or a folder with one.</param>
    /// <param name="hints">What the user says about a foreign model.</param>
    /// <exception cref="UserErrorException">There is none, it is damaged or unsafe, its geometry is not known, or the hints contradict it.</exception>
    public static SavedModel Open(string path, GeometryHints? hints = null)
    {
        hints ??= GeometryHints.None;
        string best = new RunFolder(path).BestCheckpoint; // of a fine-tuning; pre-training has none
        bool isFineTuned = System.IO.File.Exists(best);
        if (!isFineTuned && Directory.Exists(path) && new RunFolder(path).Checkpoints.Count > 0)
            return OfRun(path, Checkpoint.Read(path), hints);
        string file = isFineTuned ? best : Directory.Exists(path) ? OnlyWeightsIn(path) : path;
        if (!file.EndsWith(Safetensors, StringComparison.OrdinalIgnoreCase))
        {
            PyTorchCheckpoint foreign = PyTorchCheckpoint.Read(file);
            FieldWeights.RequireOne(file, foreign.Root);
            StatedGeometry[] places = [StatedGeometry.Of(hints), StatedGeometry.OfArguments(foreign.Root), .. StatedGeometry.OfNames(file)];
            return PublishedEat.In(file, foreign.Tensors) is { } eat ? OfEat(path, file, eat, [.. places, eat.Stated(foreign.Root)]) : OfField(path, file, foreign.Tensors, places);
        }
        SafetensorsContent content = SafetensorsFile.Read(file);
        return Checkpoint.Of(file, content) is { } ours
            ? OfRun(path, ours, hints)
            : OfField(path, file, content.Tensors, [StatedGeometry.Of(hints), StatedGeometry.OfMetadata(content.Metadata), .. StatedGeometry.OfNames(file)], content.Metadata);
    }

    /// <summary>The files that make up what lies at a path: of a run folder all of the run, of another folder its weights, else the file itself.</summary>
    public static IEnumerable<string> FilesAt(string path) => Directory.Exists(path) ? [.. new RunFolder(path).Files, .. WeightsIn(path)] : [path];

    /// <summary>Its encoder, frozen, with the front end and the normalisation it was trained with.</summary>
    /// <returns>A snapshot that owns its encoder.</returns>
    /// <exception cref="UserErrorException">A tensor of the encoder is missing or has another shape.</exception>
    public EncoderSnapshot LoadEncoder(Device device)
    {
        EncoderSnapshot untrained = EncoderSnapshot.Untrained(Encoder, Input, Normalisation, LogMel, seed: 0, device);
        return ModelWeights.Filled(untrained, snapshot => ModelWeights.Load(snapshot.Encoder, Tensors, File));
    }

    /// <summary>The whole model, as it can be trained on.</summary>
    /// <exception cref="UserErrorException">It holds an encoder alone, or a tensor is missing or has another shape.</exception>
    public MaskedModel LoadModel(Device device)
    {
        if (Framework is not { } framework || Decoder is null)
            throw new UserErrorException($"{File} holds an encoder alone, without what predicts the hidden patches; embed, probe or fine-tune it, or begin from it with `PretrainingConfig.From`");
        var shape = new ModelShape(Input, Encoder, Decoder);
        return ModelWeights.Filled(framework.CreateModel(shape, seed: 0, device), model => ModelWeights.Load(model, Tensors, File));
    }

    private static SavedModel OfRun(string path, Checkpoint checkpoint, GeometryHints hints)
    {
        PretrainingConfig config = checkpoint.State.ParsedConfig;
        ModelShape shape = config.ModelShape;
        RequireSame(path, nameof(hints.Input), hints.Input, config.Input);
        RequireSame(path, nameof(hints.Patch), hints.Patch, config.Patch);
        RequireSame(path, nameof(hints.Heads), Text(hints.Heads), Text(shape.Encoder.Heads));
        RequireSame(path, nameof(hints.DecoderHeads), Text(hints.DecoderHeads), Text(shape.Decoder.Heads));
        RequireSame(path, nameof(hints.SampleRate), Text(hints.SampleRate), Text(config.SampleRate));
        return new SavedModel(path, checkpoint.Path)
        {
            Framework = checkpoint.HasDecoder ? config.Framework : null,
            Encoder = shape.Encoder,
            Decoder = checkpoint.HasDecoder ? shape.Decoder : null,
            Input = config.Geometry,
            LogMel = config.LogMel,
            Normalisation = checkpoint.State.Normalisation,
            Tensors = checkpoint.Weights,
        };
    }

    /// <summary>EAT saw the filter bank of Kaldi less its mean, over twice its deviation; here it sees our log-mel, moved and scaled alike.</summary>
    private static SavedModel OfEat(string path, string file, PublishedEat eat, StatedGeometry[] places)
    {
        NormalisationStatistics usual = NormalisationStatistics.AudioSet with { Std = 2 * NormalisationStatistics.AudioSet.Std };
        return OfField(path, file, eat.Tensors(places.Select(place => place.Input).First(input => input is not null)!.Value), places, normalisation: usual,
            note: $"it was trained on Kaldi's filter bank, and hears our log-mel instead, less AudioSet's mean {usual.Mean} and over twice its standard deviation, as there; embeddings are near those of the original, not equal");
    }

    private static SavedModel OfField(
        string path, string file, IReadOnlyDictionary<string, HostTensor> tensors, StatedGeometry[] places, IReadOnlyDictionary<string, string>? metadata = null,
        NormalisationStatistics? normalisation = null, string? note = null)
    {
        var weights = new FieldWeights(file, tensors);
        InputGeometry input = weights.Geometry(places);
        int? heads = places.Select(place => place.Heads).FirstOrDefault(stated => stated is not null);
        BlockShape encoder = weights.Encoder(heads, places.Select(place => place.Depth).FirstOrDefault(stated => stated is not null));
        BlockShape? decoder = weights.Decoder(places.Select(place => place.DecoderHeads).FirstOrDefault(stated => stated is not null));
        encoder.Validate($"{file}: encoder");
        decoder?.Validate($"{file}: decoder");
        ModelWeights.RequireEnough(file, weights.Tensors, decoder is null ? new EncoderShape(input, encoder) : new ModelShape(input, encoder, decoder), decoder is null ? null : weights.Framework);
        List<string> notes = [];
        if (heads is null)
            notes.Add($"{encoder.Heads} heads are taken for granted (width {encoder.Width} / 64); if it was trained with others, give `Heads`");
        if (decoder is null && weights.HoldsDecoder)
            notes.Add($"its decoder is not one of {KnownFrameworks.Titles} and is left out: the encoder alone is taken");
        normalisation = weights.Normalisation ?? normalisation;
        if (note is not null)
            notes.Add(note);
        if (normalisation is null)
            notes.Add("it holds no norm_stats: AudioSet's mean -7.1 and standard deviation 4.2 are taken for granted");
        int rate = places.Select(place => place.SampleRate).FirstOrDefault(rate => rate is not null) ?? LogMelSettings.Default.SampleRate;
        return new SavedModel(path, file)
        {
            Framework = decoder is null ? null : weights.Framework,
            Encoder = encoder,
            Decoder = decoder,
            Input = input,
            LogMel = LogMelSettings.Of(rate, input.Bands),
            Normalisation = normalisation ?? NormalisationStatistics.AudioSet,
            Tensors = weights.Tensors,
            Metadata = metadata ?? new Dictionary<string, string>(),
            Notes = notes,
        };
    }

    private static void RequireSame(string path, string hint, string? given, string? trained)
    {
        if (given is not null && given != trained)
            throw new UserErrorException($"`{hint}` {given}: {path} was trained with {trained} and says so itself; leave `{hint}` out");
    }

    private static string? Text(int? value) => value?.ToString(CultureInfo.InvariantCulture);

    /// <summary>The one file of weights in a folder, as models are published.</summary>
    private static string OnlyWeightsIn(string folder)
    {
        string[] files = [.. WeightsIn(folder).Order(StringComparer.Ordinal)];
        return files switch
        {
            [string only] => only,
            [] => throw new UserErrorException($"{folder} holds no checkpoint; give a run folder, or a folder with one file of weights (.pth, .pt or .safetensors)"),
            _ => throw new UserErrorException($"{folder} holds {files.Length} files of weights; name one of them, for example {files[^1]}"),
        };
    }

    private static IEnumerable<string> WeightsIn(string folder) =>
        Directory.GetFiles(folder).Where(file => WeightFiles.Contains(Path.GetExtension(file).ToLowerInvariant()));
}

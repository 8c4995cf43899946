using System.Globalization;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Interop;
using OtoMask.Models;

namespace OtoMask.Weights;

/// <summary>A state dict of the field under the plain names of docs/method.md section 8, and what its shapes tell about the model.</summary>
internal sealed class FieldWeights
{
    private const string PatchWeight = "patch_embed.proj.weight";
    private const string Positions = "pos_embed", NormBeforeBlocks = "norm" + BlockStack.BeforeBlocks + ".weight", NormBehindBlocks = "norm.weight";
    private const int DeepestStateDict = 2;
    private readonly string source;
    private readonly IReadOnlyDictionary<string, long[]> shapes;

    /// <param name="source">Where the tensors come from, for messages.</param>
    /// <param name="tensors">All tensors of the file; a prefix such as <c>backbone.</c> is taken off.</param>
    /// <exception cref="UserErrorException">They are no encoder of log-mel patches, several, or one with tensors beside it that nobody knows.</exception>
    public FieldWeights(string source, IReadOnlyDictionary<string, HostTensor> tensors)
    {
        this.source = source;
        string[] encoders = [.. tensors.Keys.Where(name => EmbedsPatches(name) && !OptimizerMemory.Holds(name))];
        if (encoders is not [string first])
            throw encoders is []
                ? new UserErrorException($"{source} holds no encoder of audio patches (no tensor {PatchWeight}); give a checkpoint of {KnownFrameworks.Titles}")
                : Several(source, encoders.Select(name => name[..^PatchWeight.Length] + "*"));
        string prefix = first[..^PatchWeight.Length];
        WeightNames.RequireBesides(source, prefix, tensors.Keys.Where(name => !name.StartsWith(prefix, StringComparison.Ordinal)));
        Tensors = tensors.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);
        long[] shape = Tensors[PatchWeight].Shape;
        if (shape is not [> 0 and <= int.MaxValue, 1, > 0 and <= int.MaxValue, > 0 and <= int.MaxValue])
            throw new UserErrorException($"{source}: {first} of shape [{string.Join(", ", shape)}] does not embed patches of one log-mel; give a checkpoint of {KnownFrameworks.Titles}");
        (Width, PatchHeight, PatchWidth) = ((int)shape[0], (int)shape[2], (int)shape[3]);
        shapes = Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.Shape);
        Framework = KnownFrameworks.All.FirstOrDefault(framework => framework.Wrote(shapes, Width, PatchHeight * PatchWidth));
    }

    /// <summary>Refuses a file with a second state dict of an encoder beside the one that would be taken (<c>model</c> and <c>model_ema</c>).</summary>
    /// <param name="source">The file, for messages.</param>
    /// <param name="root">Everything in it.</param>
    /// <exception cref="UserErrorException">There are several.</exception>
    public static void RequireOne(string source, object? root)
    {
        List<string> found = [];
        HashSet<object> seen = new(ReferenceEqualityComparer.Instance);
        Look(root, "");
        if (found.Count > 1)
            throw Several(source, found);

        void Look(object? value, string place)
        {
            if (value is not PickledDictionary dictionary || !seen.Add(dictionary))
                return;
            if (dictionary.Any(pair => pair is { Key: string name, Value: PickledTensor } && EmbedsPatches(name)))
                found.Add(place.Length > 0 ? place : "its top");
            if (place.Count(character => character == '/') < DeepestStateDict)
            {
                foreach ((object key, object? inner) in dictionary.Where(pair => pair.Value is PickledDictionary))
                    Look(inner, place.Length > 0 ? $"{place}/{key}" : $"{key}");
            }
        }
    }

    private static bool EmbedsPatches(string name) => name == PatchWeight || name.EndsWith("." + PatchWeight, StringComparison.Ordinal);

    private static UserErrorException Several(string source, IEnumerable<string> places)
    {
        string[] all = [.. places.Order(StringComparer.Ordinal)];
        return new UserErrorException($"{source} holds {all.Length} encoders ({InputFile.Quotable(string.Join(", ", all))}); save the one you want as a file of its own");
    }

    /// <summary>By the field's names.</summary>
    public IReadOnlyDictionary<string, HostTensor> Tensors { get; }

    /// <summary>D, width of the encoder.</summary>
    public int Width { get; }

    /// <summary>ph, mel bands of a patch.</summary>
    public int PatchHeight { get; }

    /// <summary>pw, frames of a patch.</summary>
    public int PatchWidth { get; }

    /// <summary>L, patches of the input, where the file holds the positions; else null.</summary>
    public long? PatchCount => Tensors.GetValueOrDefault(Positions)?.Shape is [1, > 1 and var rows, _] ? rows - 1 : null;

    /// <summary>What the model was pre-trained as; null where the file holds the encoder alone.</summary>
    public Framework? Framework { get; }

    /// <summary>Whether there is a decoder or predictor, of whatever kind.</summary>
    public bool HoldsDecoder => Tensors.Keys.Any(WeightNames.IsOfDecoder);

    /// <summary>The encoder.</summary>
    /// <param name="heads">Its heads; null = width / 64, at least 1.</param>
    /// <param name="depth">Its depth as stated somewhere; null = nobody says.</param>
    /// <exception cref="UserErrorException">Some of its blocks are not there.</exception>
    public BlockShape Encoder(int? heads, int? depth)
    {
        int found = Depth("blocks"), ofTarget = Depth("target_blocks");
        depth ??= ofTarget > 0 ? ofTarget : found; // a target network is as deep
        return found == depth
            ? new BlockShape(Width, found, heads ?? KnownSizes.DefaultHeads(Width)) { PostNorm = Tensors.ContainsKey(NormBeforeBlocks) && !Tensors.ContainsKey(NormBehindBlocks) }
            : throw new UserErrorException($"{source} holds {found} blocks of an encoder that has {depth}; use another copy");
    }

    /// <summary>The decoder or predictor; null where there is none.</summary>
    /// <param name="heads">Its heads; null = those of the published size, else width / 64, at least 1.</param>
    public BlockShape? Decoder(int? heads) => Framework?.DecoderIn(shapes, Depth(Framework.DecoderBlocks), heads);

    /// <summary>Mean and deviation of the data it was trained on; null where the file does not say.</summary>
    /// <exception cref="UserErrorException">They are not two numbers, the second above 0.</exception>
    public NormalisationStatistics? Normalisation
    {
        get
        {
            if (!Tensors.TryGetValue(ModelWeights.Statistics, out HostTensor? stored))
                return null;
            return stored.Count == 2 && stored.ToFloats() is [var mean, > 0 and var std] && float.IsFinite(mean) && float.IsFinite(std)
                ? new NormalisationStatistics(mean, std)
                : throw new UserErrorException($"{source}: its {ModelWeights.Statistics} are not a mean and a standard deviation; use another copy");
        }
    }

    /// <summary>The input and patches, from the first place that states them, checked against the tensors.</summary>
    /// <param name="places">What is said where, the most trusted first.</param>
    /// <exception cref="UserErrorException">Nobody states the input, or what is stated does not fit the tensors.</exception>
    public InputGeometry Geometry(IEnumerable<StatedGeometry> places)
    {
        StatedGeometry? onPatch = places.FirstOrDefault(place => place.Patch is not null), onInput = places.FirstOrDefault(place => place.Input is not null);
        if (onPatch?.Patch is { } patch && patch != (PatchHeight, PatchWidth))
            throw new UserErrorException(
                $"{source}: {onPatch.Place} says patches of {patch.Height}x{patch.Width}, its weights are for {PatchHeight}x{PatchWidth}; give `Patch` {PatchHeight}x{PatchWidth}, and the `Input` it was trained with");
        if (onInput?.Input is not { } input)
            throw new UserErrorException(
                $"{source}: its input is not known, for neither it nor its name says so; give `Input` BANDSxFRAMES, {Suggestion} (for `PretrainingConfig.From`: to `ModelImport` first)");
        InputGeometry geometry;
        try
        {
            geometry = new InputGeometry(input.Bands, input.Frames, PatchHeight, PatchWidth);
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"{source}: {onInput.Place} cannot be true: {error.Message}", error);
        }
        return PatchCount is not { } patches || patches == geometry.Grid.Count
            ? geometry
            : throw new UserErrorException(
                $"{source}: {onInput.Place} says an input of {input.Bands}x{input.Frames}, which is {geometry.Grid.Count} patches, but it holds positions for {patches}; give the `Input` it was trained with, {Suggestion}");
    }

    /// <summary>The input that fits if it is the field's 80 mel bands.</summary>
    private string Suggestion => 80 % PatchHeight == 0 && PatchCount is { } patches && patches % (80 / PatchHeight) == 0
        ? $"with 80 mel bands `Input` 80x{patches / (80 / PatchHeight) * PatchWidth}"
        : "for example `Input` 80x608";

    private int Depth(string blocks)
    {
        HashSet<int> numbers = [];
        foreach (string name in Tensors.Keys)
        {
            if (name.StartsWith(blocks + ".", StringComparison.Ordinal) && int.TryParse(name[(blocks.Length + 1)..].Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int block))
                numbers.Add(block);
        }
        int gap = Enumerable.Range(0, numbers.Count).FirstOrDefault(block => !numbers.Contains(block), -1);
        return gap < 0
            ? numbers.Count
            : throw new UserErrorException($"{source} lacks {blocks}.{gap}, though it goes on to {blocks}.{numbers.Max()}; use another copy");
    }
}

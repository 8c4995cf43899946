using OtoMask.Interop;
using OtoMask.Models;

namespace OtoMask.Weights;

/// <summary>Holds the names in a file of weights against those of a model: none may be missing, and what is left over must be known to change nothing.</summary>
/// <remarks>A tensor without a place is a layer that we do not compute (LayerScale, a second norm, relative positions): to drop it would give other embeddings, in silence.</remarks>
internal static class WeightNames
{
    private const int Quoted = 3;

    /// <summary>First parts of the encoder's names; nothing that begins with them is ever left out.</summary>
    private static readonly string[] Encoder = ["patch_embed", "cls_token", "pos_embed", "blocks", "norm", "norm" + BlockStack.BeforeBlocks];

    /// <summary>How names begin of what serves pre-training alone.</summary>
    private static readonly string[] Pretraining = ["decoder", "predictor", "target", "mask_token"];

    /// <summary>How parts of names begin of what stands behind an encoder, before its log-mels, or beside both.</summary>
    private static readonly string[] Besides =
    [
        ModelWeights.Statistics, "head", "classifier", "projector", "audio_proj", "text_", "logit_scale", "loss", "criterion", "to_spec", "to_feature", "mel_basis",
        "optim", "scheduler", "scaler", "num_batches_tracked",
    ];

    /// <summary>Whether a name is of what stands behind the encoder: <c>decoder_</c> of a transformer, <c>decoder.</c> of convolutions.</summary>
    public static bool IsOfDecoder(string name) => name.StartsWith("decoder_", StringComparison.Ordinal) || name.StartsWith("decoder.", StringComparison.Ordinal);

    /// <summary>Checks the names for an encoder alone; decoder, predictor, target network and heads may be there.</summary>
    /// <param name="source">Where the tensors come from, for messages.</param>
    /// <param name="tensors">By plain name.</param>
    /// <param name="wanted">Names of the encoder's parameters.</param>
    /// <param name="optional">Names it knows besides.</param>
    /// <exception cref="UserErrorException">Some are missing or have no place.</exception>
    public static void RequireEncoder(string source, IReadOnlyDictionary<string, HostTensor> tensors, IEnumerable<string> wanted, IEnumerable<string> optional) =>
        Require(source, tensors, wanted, optional, name => Begins(name, Pretraining) || IsBesides(name));

    /// <summary>Checks the names for a whole model; heads and the memory of an optimiser may be there.</summary>
    /// <inheritdoc cref="RequireEncoder"/>
    public static void RequireModel(string source, IReadOnlyDictionary<string, HostTensor> tensors, IEnumerable<string> wanted, IEnumerable<string> optional) =>
        Require(source, tensors, wanted, optional, name => !Begins(name, Pretraining) && IsBesides(name));

    /// <summary>Checks the names that lie outside the prefix of the encoder.</summary>
    /// <exception cref="UserErrorException">Some are of nothing that is known to change nothing.</exception>
    public static void RequireBesides(string source, string prefix, IEnumerable<string> outside)
    {
        string[] unknown = [.. outside.Where(name => !IsBesides(name) && !name.Split('.').Any(part => Begins(part, Pretraining)))];
        if (unknown.Length > 0)
            throw new UserErrorException($"{source}: beside the encoder ({prefix}*) it {LeftOver(unknown)}");
    }

    private static void Require(
        string source, IReadOnlyDictionary<string, HostTensor> tensors, IEnumerable<string> wanted, IEnumerable<string> optional, Func<string, bool> isHarmless)
    {
        string[] needed = [.. wanted], missing = [.. needed.Where(name => !tensors.ContainsKey(name))];
        string[] left = [.. tensors.Keys.Except(needed).Except(optional).Where(name => !isHarmless(name))];
        if (missing.Length > 0)
            throw new UserErrorException(
                $"{source} lacks {Count(missing)} that the model needs ({List(missing)}){(left.Length > 0 ? $" and holds {Count(left)} that it has no place for ({List(left)})" : "")}; was it made by another kind of model? use another copy");
        if (left.Length > 0)
            throw new UserErrorException($"{source} {LeftOver(left)}");
    }

    private static string LeftOver(string[] left) =>
        $"holds {Count(left)} that {KnownFrameworks.Titles} have no place for ({List(left)}), so it may be another kind of model; if it works the same without, save a copy without";

    private static bool IsBesides(string name)
    {
        string[] parts = name.Split('.');
        return !Encoder.Contains(parts[0]) && parts.Any(part => Begins(part, Besides));
    }

    private static bool Begins(string name, string[] beginnings) => beginnings.Any(beginning => name.StartsWith(beginning, StringComparison.Ordinal));

    private static string Count(string[] names) => names.Length == 1 ? "a tensor" : $"{names.Length} tensors";

    private static string List(string[] names) =>
        InputFile.Quotable(string.Join(", ", names.Order(StringComparer.Ordinal).Take(Quoted)) + (names.Length > Quoted ? ", ..." : ""));
}

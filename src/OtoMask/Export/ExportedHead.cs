using System.Text.Json;
using OtoMask.FineTuning;
using OtoMask.Interop;
using OtoMask.Models;
using OtoMask.Weights;

namespace OtoMask.Export;

/// <summary>The head of a fine-tuned model: which classes it tells apart, what it has learnt to hear, and its weights.</summary>
/// <param name="State">What its checkpoint says about it.</param>
/// <param name="Weights">Batch normalisation and linear layer, under the field's names.</param>
internal sealed record ExportedHead(FineTunedState State, IReadOnlyList<SafetensorsEntry> Weights)
{
    /// <summary>
    /// Classes in the order of the head's rows, whether a clip may have several, what the head sees of a clip (<c>per_band</c> or <c>flat</c>,
    /// <see cref="ClipFeature"/>) and the length of the clips it was trained with.
    /// </summary>
    internal IReadOnlyDictionary<string, object?> Arguments => new OrderedDictionary<string, object?>
    {
        ["classes"] = State.Classes,
        ["multi_label"] = State.MultiLabel,
        ["clip_feature"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(State.Feature.ToString()),
        ["unit_samples"] = State.UnitSamples,
    };

    /// <summary>The head of a model; null where it is not fine-tuned.</summary>
    /// <exception cref="UserErrorException">The file holds a head without its classes, or one that does not fit its encoder.</exception>
    internal static ExportedHead? Of(SavedModel saved)
    {
        if (FineTunedCheckpoint.Of(saved) is not { } checkpoint)
            return saved.Tensors.ContainsKey(Classifier.HeadLinear + ".weight")
                ? throw new UserErrorException(
                    $"{saved.Name} has a head but does not say its classes; give the folder that `FineTuner` wrote, or leave the head out with `encoderOnly`")
                : null;
        ClassifierInput input = checkpoint.Input;
        if ((saved.Encoder, saved.Input, saved.LogMel, saved.Normalisation) != (checkpoint.State.ShapeOfModel().Encoder, input.Geometry, input.LogMel, input.Statistics))
            throw new UserErrorException($"{saved.Name}: its head was trained on another encoder, input or normalisation than it now has; leave out what `Input`, `Heads` or `SampleRate` says, or use another copy");
        return new ExportedHead(checkpoint.State.WithoutPaths(), checkpoint.HeadWeights);
    }
}

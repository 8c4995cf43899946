using System.Text.Json;
using System.Text.Json.Serialization;
using OtoMask.Audio;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Runs;

namespace OtoMask.FineTuning;

/// <summary>The best epoch so far.</summary>
/// <param name="Epoch">Epochs done, from 1.</param>
/// <param name="Score">Its score on the clips to choose by, in %.</param>
/// <param name="Loss">Its loss there.</param>
public sealed record BestEpoch(int Epoch, double Score, double Loss)
{
    /// <summary>Whether this one does better; of equal scores the lower loss does. One whose model has no numbers to give never does.</summary>
    internal bool Beats(BestEpoch? other) => double.IsFinite(Score) && double.IsFinite(Loss) && (other is null || Score > other.Score || (Score == other.Score && Loss < other.Loss));
}

/// <summary>What a fine-tuned checkpoint says about itself besides its tensors.</summary>
/// <param name="Version">Of this record; a reader refuses one it does not know.</param>
/// <param name="Step">Optimiser steps done.</param>
/// <param name="OptimizerSteps">Updates that the optimiser has made; fewer than the steps where some were skipped.</param>
/// <param name="Config">The configuration, by <see cref="FineTuningKeys"/>.</param>
/// <param name="Encoder">WIDTH/DEPTH/HEADS.</param>
/// <param name="Input">Bands x frames of the encoder's input.</param>
/// <param name="Patch">Bands x frames of a patch.</param>
/// <param name="LogMel">The front end.</param>
/// <param name="UnitSamples">Unit length of a clip.</param>
/// <param name="Mean">Mean that log-mels are normalised with.</param>
/// <param name="Std">Their standard deviation.</param>
/// <param name="Feature">What the head sees.</param>
/// <param name="Classes">The labels, in the order of the head's rows.</param>
/// <param name="MultiLabel">Whether a clip may have several.</param>
/// <param name="TaskHash">SHA-256 of the task's CSV.</param>
/// <param name="Best">The best epoch so far, or null before any.</param>
/// <param name="Program">Version of the program that wrote it, with its commit where that is known; empty in checkpoints that do not tell.</param>
internal sealed record FineTunedState(
    int Version, long Step, long OptimizerSteps, Dictionary<string, string> Config, string Encoder, string Input, string Patch, LogMelSettings LogMel,
    int UnitSamples, float Mean, float Std, ClipFeature Feature, string[] Classes, bool MultiLabel, string TaskHash, BestEpoch? Best, string Program = "")
{
    /// <summary>The version this program writes.</summary>
    public const int CurrentVersion = 1;

    private static readonly JsonSerializerOptions Layout = new()
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The configuration as values.</summary>
    /// <exception cref="UserErrorException">A key is unknown or its value is impossible.</exception>
    [JsonIgnore]
    public FineTuningConfig ParsedConfig => FineTuningKeys.All.Parse(Config, new FineTuningConfig(), ProgramVersion.NameOf(Program));

    /// <summary>What the model takes.</summary>
    /// <exception cref="UserErrorException">The numbers make no input.</exception>
    internal ClassifierInput InputOfModel()
    {
        InputGeometry geometry = InputGeometry.Parse(Input, Patch);
        return LogMel == LogMelSettings.Of(LogMel.SampleRate, geometry.Bands) && float.IsFinite(Mean) && Std > 0 && float.IsFinite(Std)
            ? new ClassifierInput(geometry, LogMel, new NormalisationStatistics(Mean, Std), UnitSamples)
            : throw new UserErrorException($"a fine-tuned model claims an impossible front end ({LogMel}, mean {Mean}, deviation {Std}); use another copy");
    }

    /// <summary>Sizes of the model.</summary>
    /// <exception cref="UserErrorException">The numbers make no model.</exception>
    internal EncoderShape ShapeOfModel() => new(InputOfModel().Geometry, ConfigText.Shape("encoder", Encoder));

    /// <summary>The same without the paths of the machine it was trained on, for a file that others get.</summary>
    internal FineTunedState WithoutPaths() =>
        this with { Config = Config.Where(pair => pair.Key is not (FineTuningKeys.Checkpoint or FineTuningKeys.Task)).ToDictionary() };

    internal string ToJson() => JsonSerializer.Serialize(this, Layout);

    /// <exception cref="UserErrorException">The text is no state, or one of another version.</exception>
    internal static FineTunedState Parse(string path, string json)
    {
        FineTunedState state;
        try
        {
            state = JsonSerializer.Deserialize<FineTunedState>(json, Layout) ?? throw new JsonException("empty");
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{path}: its state cannot be read ({error.Message})", error);
        }
        return state.Version == CurrentVersion
            ? state
            : throw new UserErrorException($"{path} is of version {state.Version}, this program reads {CurrentVersion}; use the program that wrote it: {ProgramVersion.NameOf(state.Program)}");
    }
}

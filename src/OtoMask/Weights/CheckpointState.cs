using System.Text.Json.Serialization;
using OtoMask.Configuration;
using OtoMask.Data;
using OtoMask.Masking;
using OtoMask.Runs;

namespace OtoMask.Weights;

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
internal sealed record CheckpointState(
    int Version, long Step, long OptimizerSteps, Dictionary<string, string> Config, float Mean, float Std, string ManifestHash, int Clips = 0, string Program = "")
{
    /// <summary>The version this program writes.</summary>
    public const int CurrentVersion = 1;

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
        ? change with { Remark = $"{change.New} did not begin randomly when the run began; that is {change.Old} now, so to go on as it was say `mask` {change.Old}" }
        : change;

    /// <summary>Whether it is of a run, which can go on from it; a model that was imported has weights alone.</summary>
    [JsonIgnore]
    public bool IsOfRun => Config.ContainsKey("data");

    /// <summary>The program that wrote it, for messages.</summary>
    internal string WrittenBy => ProgramVersion.NameOf(Program);

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
}

/// <summary>What a checkpoint says about background noise.</summary>
/// <param name="Mean">Mean of the log-mels of the noise.</param>
/// <param name="ManifestHash">Of the list of its clips.</param>
/// <param name="Clips">How many clips that list has.</param>
internal sealed record NoiseState(float Mean, string ManifestHash, int Clips)
{
    /// <summary>Clips of it that are left out though they can be read; null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<LeftOutClip>? LeftOut { get; init; }
}

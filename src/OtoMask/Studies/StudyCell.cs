using System.Security.Cryptography;
using System.Text;
using OtoMask.Configuration;
using OtoMask.Masking;

namespace OtoMask.Studies;

/// <summary>One run of a study.</summary>
/// <param name="Framework">For example <c>msm-mae</c>.</param>
/// <param name="Arm">Name of the arm; <see cref="Untrained"/> for the network with its first weights.</param>
/// <param name="Config">Everything about its pre-training, seed and data included; an untrained one has these first weights.</param>
public sealed record StudyCell(string Framework, string Arm, PretrainingConfig Config)
{
    /// <summary>The arm of networks that are probed as they begin: the floor under every result (docs/evaluation.md section 5).</summary>
    public const string Untrained = "untrained";

    private static readonly string[] SaysNothingOfResults = ["data", "task", "valid", "device", "bf16-by"];

    // Younger than the first published rows, which must go on counting where these are as they were before one could set them.
    private static readonly string[] CountsWhereSet = ["from", "mask-block", "noise", "noise-ratio", "gradients", "clones", "utterance-weight", "target-layers", "ema-ramp"];
    private static readonly PretrainingConfig AsBefore = new() { Data = "" };

    /// <summary>Seed of the pre-training.</summary>
    public ulong Seed => Config.Seed;

    /// <summary>Whether it is pre-trained at all.</summary>
    public bool IsTrained => Arm != Untrained;

    /// <summary>Optimiser steps.</summary>
    public long Steps => IsTrained ? Config.Steps!.Value : 0;

    /// <summary>Where its run lies within the study: framework/arm/seed-N, each as <see cref="FolderName"/> writes it.</summary>
    public string Name => $"{FolderName.Of(Framework)}/{FolderName.Of(Arm)}/seed-{Seed}";

    /// <summary>16 hex digits that change with everything the results depend on: the configuration, the pool's clips, the task's rows.</summary>
    /// <param name="poolHash">Hash of the clips to pre-train on.</param>
    /// <param name="taskHash">Hash of the task.</param>
    /// <param name="probe">How it is probed.</param>
    internal string Fingerprint(string poolHash, string taskHash, string probe)
    {
        IEnumerable<string?> values = ConfigKeys.All
            .Where(key => !key.ChangesNoResult && !SaysNothingOfResults.Contains(key.Name) && !(CountsWhereSet.Contains(key.Name) && key.Get(Config) == key.Get(AsBefore)))
            .Select(key => $"{key.Name}: {(key.Name == "mask" ? MaskInRows : key.Get(Config))}");
        string text = string.Join('\n', values.Append(Arm == Untrained ? Untrained : "trained").Append(poolHash).Append(taskHash).Append(probe));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }

    /// <summary>The name that the mask had when rows were first published, so that they count for the same mask whatever it is called today; what took over a name has another.</summary>
    private string MaskInRows => KnownMaskings.Find(Config.Mask) is var mask && mask.FormerName is { } former
        ? former
        : KnownMaskings.NameNow(mask.Name) == mask.Name ? mask.Name : $"{mask.Name}, random at first";
}

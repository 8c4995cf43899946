using OtoMask.Configuration;
using OtoMask.Models;
using OtoMask.Torch;
using OtoMask.Weights;

namespace OtoMask.Tests;

/// <summary>A checkpoint of a small network as it was drawn: what tests of anything after training need.</summary>
internal static class UntrainedCheckpoint
{
    /// <summary>Writes one for inputs of 80 x <paramref name="frames"/> in patches of 16 x 16, mean -7.1 and deviation 4.2.</summary>
    /// <param name="path">The file.</param>
    /// <param name="frames">Frames of an input.</param>
    /// <param name="encoder">Width, depth, heads; by default 16, 2, 2.</param>
    /// <returns>The path.</returns>
    public static string Write(string path, int frames = 96, BlockShape? encoder = null)
    {
        var config = new PretrainingConfig { Data = "nothing", Framework = KnownFrameworks.MsmMae, Encoder = encoder ?? new(16, 2, 2), Decoder = new(8, 1, 1), Input = $"80x{frames}" };
        using MaskedModel model = config.Framework.CreateModel(config.ModelShape, config.Seed, Device.Cpu);
        using var optimizer = new AdamW(model.Trained, weightDecay: 0);
        Checkpoint.Write(path, model, optimizer, new CheckpointState(
            CheckpointState.CurrentVersion, 0, 0, CheckpointState.ToDictionary(config), -7.1f, 4.2f, ManifestHash: ""));
        return path;
    }
}

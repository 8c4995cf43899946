using OtoMask.Randomness;

namespace OtoMask.Masking;

/// <summary>What a strategy is told besides the clip.</summary>
/// <param name="MaskRatio">Share of patches to mask, in (0, 1).</param>
/// <param name="HintRatio">Share of the masked patches that is traded for random ones, in [0, 1]; 1 = random.</param>
/// <param name="Clip">The clip's own random stream (seed, epoch, clip).</param>
/// <param name="Batch">The random stream that all clips of the batch share (seed, step).</param>
public readonly record struct MaskingContext(double MaskRatio, double HintRatio, RandomStream Clip, RandomStream Batch);

using OtoMask.Models;

namespace OtoMask.App.Bench;

/// <summary>Floating-point operations of a training step, counted from the shapes.</summary>
/// <remarks>A product of [n, k] and [k, m] counts 2nkm; only matrix products count. Backward costs twice the forward pass of what is trained.</remarks>
internal static class StepCost
{
    /// <summary>Operations of one step over one batch, in GFLOP.</summary>
    /// <param name="framework">How the hidden patches are predicted.</param>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="batch">B, clips.</param>
    /// <param name="visible">Lv, visible patches of a clip.</param>
    /// <param name="readsFeatures">Whether masking reads the encoder's features of the whole clip: one more forward pass, over all patches.</param>
    public static double Gigaflops(Framework framework, ModelShape shape, int batch, int visible, bool readsFeatures)
    {
        int masked = shape.PatchCount - visible;
        double width = shape.Encoder.Width, decoderWidth = shape.Decoder.Width;
        double outputs = framework == Framework.M2d ? width : shape.PatchSize;
        double online = Blocks(shape.Encoder, 1 + visible)
            + 2 * (1 + visible) * width * decoderWidth
            + Blocks(shape.Decoder, 1 + shape.PatchCount)
            + 2 * masked * decoderWidth * outputs;
        double embedding = 2.0 * shape.PatchSize * width; // a patch; its input needs no gradient
        double target = framework == Framework.M2d ? Blocks(shape.Encoder, 1 + masked) + masked * embedding : 0;
        double features = readsFeatures ? Blocks(shape.Encoder, 1 + shape.PatchCount) + shape.PatchCount * embedding : 0;
        return batch * (3 * online + 2 * visible * embedding + target + features) / 1e9;
    }

    // A block of width D on N tokens: qkv 6 N D^2, scores and their use 4 N^2 D, projection 2 N D^2, MLP 16 N D^2.
    private static double Blocks(BlockShape shape, double tokens) =>
        shape.Depth * (24 * tokens * shape.Width * shape.Width + 4 * tokens * tokens * shape.Width);
}

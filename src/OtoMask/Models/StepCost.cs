namespace OtoMask.Models;

/// <summary>Floating-point operations of a training step, counted from the shapes.</summary>
/// <remarks>A product of [n, k] and [k, m] counts 2nkm; only matrix products count. Backward costs twice the forward pass of what is trained.</remarks>
internal static class StepCost
{
    /// <summary>Operations of one step over one batch, in GFLOP.</summary>
    /// <param name="framework">How the hidden patches are predicted.</param>
    /// <param name="shape">Sizes of the model.</param>
    /// <param name="batch">B, clips.</param>
    /// <param name="visible">Lv, visible patches of a mask.</param>
    /// <param name="masks">K, masks of a clip.</param>
    /// <param name="readsFeatures">Whether masking reads the encoder's features of the whole clip: one more forward pass, over all patches.</param>
    public static double Gigaflops(Framework framework, ModelShape shape, int batch, int visible, int masks, bool readsFeatures)
    {
        double features = readsFeatures ? Blocks(shape.Encoder, 1 + shape.PatchCount) + Embedding(shape, shape.PatchCount) : 0;
        return batch * (framework.Operations(shape, visible, masks) + features) / 1e9;
    }

    /// <summary>Forward and backward pass of an encoder on the visible patches and a transformer that predicts the masked ones, of one mask.</summary>
    /// <param name="shape">Sizes of both.</param>
    /// <param name="visible">Lv.</param>
    /// <param name="outputs">Values predicted of each masked patch.</param>
    internal static double PredictingPatches(ModelShape shape, int visible, int outputs)
    {
        double width = shape.Encoder.Width, decoderWidth = shape.Decoder.Width, masked = shape.PatchCount - visible;
        double online = Blocks(shape.Encoder, 1 + visible)
            + 2 * (1 + visible) * width * decoderWidth
            + Blocks(shape.Decoder, 1 + shape.PatchCount)
            + 2 * masked * decoderWidth * outputs;
        return 3 * online + 2 * Embedding(shape, visible); // the input of the embedding needs no gradient
    }

    /// <summary>Forward pass of the patch embedding.</summary>
    internal static double Embedding(EncoderShape shape, double patches) => patches * 2.0 * shape.PatchSize * shape.Encoder.Width;

    /// <summary>Forward pass of a stack of blocks: of width D on N tokens, qkv 6 N D^2, scores and their use 4 N^2 D, projection 2 N D^2, MLP 16 N D^2.</summary>
    internal static double Blocks(BlockShape shape, double tokens) =>
        shape.Depth * (24 * tokens * shape.Width * shape.Width + 4 * tokens * tokens * shape.Width);
}

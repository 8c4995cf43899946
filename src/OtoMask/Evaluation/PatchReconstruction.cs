using OtoMask.Audio;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Evaluation;

/// <summary>What a masked autoencoder predicts for the hidden patches of a clip.</summary>
internal static class PatchReconstruction
{
    /// <summary>A clip with its hidden patches as the model predicts them from the others.</summary>
    /// <remarks>MSM-MAE predicts patches standardised one by one; they are given the mean and deviation of the true patch.</remarks>
    /// <param name="model">A masked autoencoder.</param>
    /// <param name="statistics">Mean and deviation it was trained with.</param>
    /// <param name="clip">[F, T], not normalised; T = Nt * pw of at most the model's own Nt.</param>
    /// <param name="visible">Ids of the visible patches, ascending, in the clip's grid.</param>
    /// <param name="masked">Ids of the hidden ones.</param>
    /// <returns>[F, T], in the same units.</returns>
    /// <exception cref="ArgumentException">The clip has another height, is longer than the model's input, or no whole number of patches long.</exception>
    public static float[] Of(MaskedAutoencoder model, NormalisationStatistics statistics, LogMel clip, int[] visible, int[] masked)
    {
        InputGeometry input = model.Shape.Input;
        if (clip.Bands != input.Bands || clip.Frames > input.Frames || clip.Frames % input.PatchWidth != 0)
            throw new ArgumentException($"a clip of {clip.Bands}x{clip.Frames} does not fit an input of {input}", nameof(clip));
        int size = input.PatchSize, columns = clip.Frames / input.PatchWidth;
        float[] normalised = [.. clip.Values], patches = new float[clip.Values.Length], result = [.. clip.Values];
        statistics.Apply(normalised);
        PatchCutter.Cut(normalised, input.Bands, clip.Frames, input.PatchHeight, input.PatchWidth, patches);
        float[] standardised = Predict(model, patches, visible, masked, id => id / columns * input.Grid.Columns + id % columns);
        for (int i = 0; i < masked.Length; i++)
            Paste(standardised.AsSpan(i * size, size), masked[i], clip, result, input);
        return result;
    }

    private static float[] Predict(MaskedAutoencoder model, float[] patches, int[] visible, int[] masked, Func<int, int> place)
    {
        int size = model.Shape.Input.PatchSize;
        using var scope = new TensorScope();
        using IDisposable noGrad = TorchRuntime.NoGrad();
        (Tensor Values, Tensor Ids) Pick(int[] ids) =>
        (
            Tensor.Send(model.Device, ids.SelectMany(id => patches.AsSpan(id * size, size).ToArray()).ToArray(), 1, ids.Length, size),
            Tensor.Send(model.Device, ids.Select(id => (long)place(id)).ToArray(), 1, ids.Length));
        (Tensor seen, Tensor seenIds) = Pick(visible);
        (Tensor hidden, Tensor hiddenIds) = Pick(masked);
        return model.Predict(new PatchBatch(seen, seenIds, hidden, hiddenIds)).To(DType.Float32).ToArray<float>();
    }

    private static void Paste(ReadOnlySpan<float> standardised, int id, LogMel truth, float[] destination, InputGeometry input)
    {
        int columns = truth.Frames / input.PatchWidth;
        int top = id / columns * input.PatchHeight, left = id % columns * input.PatchWidth;
        double sum = 0, square = 0;
        for (int i = 0; i < standardised.Length; i++)
        {
            double value = truth.Values[Place(i)];
            (sum, square) = (sum + value, square + value * value);
        }
        double mean = sum / standardised.Length;
        double deviation = Math.Sqrt(Math.Max(0, square - sum * mean) / Math.Max(1, standardised.Length - 1));
        for (int i = 0; i < standardised.Length; i++)
            destination[Place(i)] = (float)(mean + deviation * standardised[i]);

        int Place(int i) => (top + i / input.PatchWidth) * truth.Frames + left + i % input.PatchWidth;
    }
}

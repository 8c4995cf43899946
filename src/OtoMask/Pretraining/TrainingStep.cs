using System.Diagnostics;
using OtoMask.Data;
using OtoMask.Masking;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>Seconds spent in each part of the training steps so far.</summary>
internal sealed class PhaseTimes
{
    /// <summary>Choosing masks from the model's features (strategies that need the model).</summary>
    public double Mask { get; internal set; }

    /// <summary>Forward pass, the copy to the device included.</summary>
    public double Forward { get; internal set; }

    /// <summary>Backward pass.</summary>
    public double Backward { get; internal set; }

    /// <summary>Gradient norm, optimiser and moving average.</summary>
    public double Update { get; internal set; }
}

/// <summary>What one optimiser step did.</summary>
/// <param name="Loss">Mean loss over its batches, before the step.</param>
/// <param name="GradientNorm">Global Euclidean norm of the gradients before clipping.</param>
/// <param name="Applied">False where the loss or the norm was not finite: the parameters are then untouched.</param>
internal readonly record struct StepOutcome(double Loss, double GradientNorm, bool Applied)
{
    /// <summary>Mean of each loss that the framework names besides, empty where it names none.</summary>
    public IReadOnlyList<(string Name, double Value)> Parts { get; init; } = [];
}

/// <summary>One optimiser step of a model: forward and backward over its batches, clip, AdamW, moving average.</summary>
/// <param name="model">The model; its owner disposes it.</param>
/// <param name="optimizer">The optimiser of the model's trained parameters; its owner disposes it.</param>
/// <param name="precision">Precision of the matrix products; not <see cref="Precision.Auto"/>.</param>
/// <param name="clipNorm">Largest global gradient norm; docs/method.md section 6 has 3.0.</param>
/// <param name="featureMasking">The strategy, where it needs the model; else null and batches come masked.</param>
internal sealed class TrainingStep(
    MaskedModel model, AdamW optimizer, Precision precision, double clipNorm, IFeatureMaskingStrategy? featureMasking = null)
{
    private const double ClipEpsilon = 1e-6; // as torch.nn.utils.clip_grad_norm_

    /// <summary>Where the time went.</summary>
    public PhaseTimes Times { get; } = new();

    /// <summary>Forward, backward, update.</summary>
    /// <param name="batches">The batches whose gradients are averaged.</param>
    /// <param name="learningRate">AdamW's step length.</param>
    /// <param name="emaDecay">tau of M2D's target network, which follows by an exponential moving average.</param>
    public StepOutcome Run(IReadOnlyList<MaskedBatch> batches, double learningRate, double emaDecay)
    {
        double loss = 0;
        List<(string Name, double Value)> parts = [];
        foreach (MaskedBatch batch in batches)
            loss += Differentiate(batch, 1.0 / batches.Count, parts) / batches.Count;
        return Update(loss, learningRate, emaDecay) with { Parts = [.. parts.GroupBy(part => part.Name).Select(part => (part.Key, part.Average(one => one.Value)))] };
    }

    /// <summary>Adds the gradients of one batch, times <paramref name="share"/>.</summary>
    /// <returns>The loss of the batch.</returns>
    private double Differentiate(MaskedBatch batch, double share, List<(string Name, double Value)> parts)
    {
        using var scope = new TensorScope();
        (Tensor Whole, Tensor Seen)? carried = null;
        Times.Forward += Timed(() => carried = batch.Patches.Length > 0 ? Carried(batch) : null);
        if (featureMasking is not null)
            Times.Mask += Timed(() => MaskByFeatures(batch, carried!.Value.Seen, featureMasking));

        Tensor? loss = null;
        double value = 0;
        Times.Forward += Timed(() =>
        {
            using IDisposable? autocast = precision.On(model.Device);
            Losses losses = model.Loss(ToDevice(batch, carried));
            loss = losses.Total;
            value = loss.Item();
            parts.AddRange(losses.Parts.Select(part => (part.Name, part.Value.Item())));
        });
        if (double.IsFinite(value))
            Times.Backward += Timed(() => (loss! * share).Backward());
        return value;
    }

    private StepOutcome Update(double loss, double learningRate, double emaDecay)
    {
        double norm = 0;
        bool applied = false;
        Times.Update += Timed(() =>
        {
            using var scope = new TensorScope();
            norm = model.Trained.Gradients.Norm().Item();
            applied = double.IsFinite(loss) && double.IsFinite(norm);
            if (applied)
            {
                optimizer.Step(learningRate, Math.Min(1, clipNorm / (norm + ClipEpsilon)), emaDecay);
            }
            else
            {
                model.Trained.Gradients.ZeroInto();
            }
        });
        return new StepOutcome(loss, norm, applied);
    }

    /// <summary>All patches of a batch that carries them, and the same as the model sees them.</summary>
    private (Tensor Whole, Tensor Seen) Carried(MaskedBatch batch)
    {
        Tensor seen = Copy<float>(batch.Patches, batch.Count, batch.Grid.Count, batch.PatchSize);
        return (batch.CleanPatches.Length > 0 ? Copy<float>(batch.CleanPatches, batch.Count, batch.Grid.Count, batch.PatchSize) : seen, seen);
    }

    private PatchBatch ToDevice(MaskedBatch batch, (Tensor Whole, Tensor Seen)? carried)
    {
        long clips = batch.Count, rows = clips * batch.MasksPerClip, visible = batch.VisibleCount, masked = batch.MaskedCount, size = batch.PatchSize;
        (Tensor visibleIds, Tensor maskedIds) = (Copy<long>(batch.VisibleIds, rows, visible), Copy<long>(batch.MaskedIds, rows, masked));
        return carried is { } patches
            ? new PatchBatch(patches, visibleIds, maskedIds)
            : new PatchBatch(Copy<float>(batch.Visible, clips, visible, size), visibleIds, Copy<float>(batch.Masked, clips, masked, size), maskedIds);
    }

    /// <summary>The first values of a rented array, which may be longer, as a tensor on the device.</summary>
    private Tensor Copy<T>(T[] values, params ReadOnlySpan<long> shape) where T : unmanaged
    {
        long count = 1;
        foreach (long size in shape)
            count *= size;
        return Tensor.From<T>(values.AsSpan(0, checked((int)count)), shape).To(model.Device);
    }

    private void MaskByFeatures(MaskedBatch batch, Tensor seen, IFeatureMaskingStrategy masking)
    {
        int patches = batch.Grid.Count, width = model.Shape.Encoder.Width, masksPerClip = batch.MasksPerClip;
        float[] features;
        using (precision.On(model.Device))
        {
            Tensor encoded = model.Frozen.Encode(seen, AllIds(batch.Count, patches)); // [B, 1 + L, D]
            features = encoded.Narrow(1, 1, patches).To(DType.Float32).ToArray<float>();
        }
        var masks = new PatchMask[batch.Count * masksPerClip];
        Parallel.For(0, masks.Length, row => masks[row] = masking.Sample(
            batch.Grid, features.AsSpan(row / masksPerClip * patches * width, patches * width), width, batch.ContextOf(row / masksPerClip, row % masksPerClip)));
        batch.Mask(masks);
    }

    private Tensor AllIds(int clips, int patches)
    {
        var ids = new long[clips * patches];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = i % patches;
        return Copy<long>(ids, clips, patches);
    }

    private static double Timed(Action action)
    {
        long begin = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
}

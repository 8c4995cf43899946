using OtoMask.Data;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>Brings batches of the loaders to the device of a model: what its loss is computed on, and the parts of it where the mask is drawn there.</summary>
/// <param name="model">The model; its owner disposes it.</param>
internal sealed class BatchTransfer(MaskedModel model)
{
    /// <summary>All of a masked batch.</summary>
    public PatchBatch Send(MaskedBatch batch)
    {
        long clips = batch.Count, size = batch.PatchSize, visible = batch.VisibleCount, masked = batch.MaskedCount;
        HostArray[] noise = NoiseFor(batch, batch.MaskedCount);
        Tensor? NoiseIn(Tensor[] sent) => noise.Length > 0 ? sent[^1] : null;
        if (batch.Patches.Length == 0)
        {
            Tensor[] gathered = Tensor.Send(
                model.Device, [HostArray.Of(batch.Visible, clips, visible, size), VisibleIds(batch), HostArray.Of(batch.Masked, clips, masked, size), MaskedIds(batch), .. noise]);
            return new PatchBatch(gathered[0], gathered[1], gathered[2], gathered[3], NoiseIn(gathered));
        }
        HostArray[] patches = Patches(batch);
        Tensor[] sent = Tensor.Send(model.Device, [VisibleIds(batch), MaskedIds(batch), .. patches, .. noise]);
        return new PatchBatch((sent[1 + patches.Length], sent[2]), sent[0], sent[1], NoiseIn(sent));
    }

    /// <summary>All patches of a batch that carries them, [B, L, P]: without noise, and as the model sees them; the same tensor where there is no noise.</summary>
    public (Tensor Whole, Tensor Seen) SendPatches(MaskedBatch batch)
    {
        Tensor[] sent = Tensor.Send(model.Device, Patches(batch));
        return (sent[^1], sent[0]);
    }

    /// <summary>The ids of a masked batch: [B * K, Lv] and [B * K, Lm].</summary>
    public (Tensor Visible, Tensor Masked) SendIds(MaskedBatch batch)
    {
        Tensor[] sent = Tensor.Send(model.Device, VisibleIds(batch), MaskedIds(batch));
        return (sent[0], sent[1]);
    }

    /// <summary>The random numbers that the framework asks for, [B * K, Lm, W]; null where it asks for none.</summary>
    /// <param name="batch">The batch, masked or to be.</param>
    /// <param name="masked">Lm.</param>
    public Tensor? SendNoise(MaskedBatch batch, int masked) => NoiseFor(batch, masked) is [var drawn] ? Tensor.Send(model.Device, drawn)[0] : null;

    private HostArray[] NoiseFor(MaskedBatch batch, int masked) => model.Framework.MaskNoise(model.Shape) is not { } noise ? []
        : [HostArray.Of(batch.DrawMaskNoise(masked, noise.Width, noise.Deviation), batch.Count * batch.MasksPerClip, masked, noise.Width)];

    private static HostArray VisibleIds(MaskedBatch batch) => HostArray.Of(batch.VisibleIds, batch.Count * batch.MasksPerClip, batch.VisibleCount);

    private static HostArray MaskedIds(MaskedBatch batch) => HostArray.Of(batch.MaskedIds, batch.Count * batch.MasksPerClip, batch.MaskedCount);

    /// <summary>All patches of a batch that carries them: as the model sees them, and without noise where that differs.</summary>
    private static HostArray[] Patches(MaskedBatch batch)
    {
        HostArray All(float[] patches) => HostArray.Of(patches, batch.Count, batch.Grid.Count, batch.PatchSize);
        return batch.CleanPatches.Length > 0 ? [All(batch.Patches), All(batch.CleanPatches)] : [All(batch.Patches)];
    }
}

using OtoMask.Data;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Tests.Data;

/// <summary>What a training step makes on the device of a batch that carries its patches once.</summary>
internal static class GatheredBatch
{
    /// <returns>[B * K, Lv, P] and [B * K, Lm, P].</returns>
    public static (float[] Visible, float[] Masked) Of(MaskedBatch batch)
    {
        using var scope = new TensorScope();
        long clips = batch.Count, rows = clips * batch.MasksPerClip;
        Tensor Carried(float[] patches) => Tensor.From(patches, clips, batch.Grid.Count, batch.PatchSize);
        Tensor seen = Carried(batch.Patches), whole = batch.CleanPatches.Length > 0 ? Carried(batch.CleanPatches) : seen;
        var gathered = new PatchBatch((whole, seen), Tensor.From(batch.VisibleIds, rows, batch.VisibleCount), Tensor.From(batch.MaskedIds, rows, batch.MaskedCount));
        return (gathered.Visible.ToArray<float>(), gathered.Masked.ToArray<float>());
    }
}

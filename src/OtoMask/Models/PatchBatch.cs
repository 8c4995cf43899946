using OtoMask.Torch;

namespace OtoMask.Models;

// B clips, K masks of each, L patches of a clip, Lv of them visible and Lm masked, P = ph * pw values a patch. Row clip * K + k is mask k of the clip.

/// <summary>A masked batch on the device. It carries what is visible and what is masked patch by patch, or all patches once and only the ids of every mask.</summary>
public sealed class PatchBatch
{
    private readonly Tensor? visible, masked, whole, seen, maskNoise;

    /// <summary>A batch that was gathered on the host.</summary>
    /// <param name="visible">[B * K, Lv, P], values of the visible patches.</param>
    /// <param name="visibleIds">[B * K, Lv], their ids (f * Nt + t).</param>
    /// <param name="masked">[B * K, Lm, P], values of the masked patches.</param>
    /// <param name="maskedIds">[B * K, Lm], their ids.</param>
    /// <param name="maskNoise">[B * K, Lm, W], the random numbers that the framework asks for; null = it asks for none.</param>
    public PatchBatch(Tensor visible, Tensor visibleIds, Tensor masked, Tensor maskedIds, Tensor? maskNoise = null) =>
        (this.visible, VisibleIds, this.masked, MaskedIds, this.maskNoise) = (visible, visibleIds, masked, maskedIds, maskNoise);

    /// <summary>A batch that carries its patches once.</summary>
    /// <param name="patches">[B, L, P]: all of them, and the same with the noise that visible ones have (the same tensor where there is none).</param>
    /// <param name="visibleIds">[B * K, Lv].</param>
    /// <param name="maskedIds">[B * K, Lm].</param>
    /// <param name="maskNoise">[B * K, Lm, W], the random numbers that the framework asks for; null = it asks for none.</param>
    public PatchBatch((Tensor Whole, Tensor Seen) patches, Tensor visibleIds, Tensor maskedIds, Tensor? maskNoise = null) =>
        (whole, seen, VisibleIds, MaskedIds, this.maskNoise) = (patches.Whole, patches.Seen, visibleIds, maskedIds, maskNoise);

    /// <summary>[B, L, P], all patches, as the model may see them: with noise, where there is any.</summary>
    /// <exception cref="InvalidOperationException">The batch was gathered on the host.</exception>
    public Tensor Seen => seen ?? throw Gathered;

    /// <summary>[B * K, Lm, W], the random numbers that a framework asks for (<see cref="Framework.MaskNoise"/>), in the order of <see cref="MaskedIds"/>.</summary>
    /// <exception cref="InvalidOperationException">The framework asks for none.</exception>
    public Tensor MaskNoise => maskNoise ?? throw new InvalidOperationException($"the batch carries no random numbers; a framework that wants some says so ({nameof(Framework.MaskNoise)})");

    /// <summary>[B * K, Lv], ids of the visible patches.</summary>
    public Tensor VisibleIds { get; }

    /// <summary>[B * K, Lm], ids of the masked patches.</summary>
    public Tensor MaskedIds { get; }

    /// <summary>[B * K, Lv, P], values of the visible patches; where the batch carries all patches, gathered at every call.</summary>
    public Tensor Visible => visible ?? Gather(seen!, VisibleIds);

    /// <summary>[B * K, Lm, P], values of the masked patches, without noise; gathered like <see cref="Visible"/>.</summary>
    public Tensor Masked => masked ?? Gather(whole!, MaskedIds);

    /// <summary>[B, L, P], all patches, without noise.</summary>
    /// <exception cref="InvalidOperationException">The batch was gathered on the host: its framework does not say that it reads them.</exception>
    public Tensor Whole => whole ?? throw Gathered;

    private static InvalidOperationException Gathered =>
        new($"the batch carries gathered patches alone; a framework that reads the whole clip says so ({nameof(Framework.ReadsWholeClip)})");

    /// <summary>What some ids of each mask name: values of all patches [B, L, n], ids [B * K, N] -> [B * K, N, n].</summary>
    internal static Tensor Gather(Tensor patches, Tensor ids)
    {
        using var scope = new TensorScope();
        long clips = patches.Shape[0], count = patches.Shape[1], size = patches.Shape[2], rows = ids.Shape[0], masks = rows / clips;
        Tensor firsts = Tensor.Range(ids.Device, clips) * count; // [B]
        return scope.Keep(F.Embedding(patches.View(clips * count, size), ids + firsts.View(clips, 1).Expand(clips, masks).Reshape(rows, 1)));
    }
}

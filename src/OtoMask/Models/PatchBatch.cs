using OtoMask.Torch;

namespace OtoMask.Models;

/// <summary>A masked batch on the device. B clips, Lv visible and Lm masked patches each, P = ph*pw values a patch.</summary>
/// <param name="Visible">[B, Lv, P], values of the visible patches.</param>
/// <param name="VisibleIds">[B, Lv], their ids (f * Nt + t).</param>
/// <param name="Masked">[B, Lm, P], values of the masked patches.</param>
/// <param name="MaskedIds">[B, Lm], their ids.</param>
public sealed record PatchBatch(Tensor Visible, Tensor VisibleIds, Tensor Masked, Tensor MaskedIds);

namespace OtoMask.Models;

/// <summary>Who computes a run's bfloat16 products on the processor.</summary>
public enum Bf16By
{
    /// <summary>The bridge's kernels, where it has some for the processor; ATen elsewhere.</summary>
    Kernels,

    /// <summary>ATen's operators: by oneDNN, which knows the tiles of Intel's AMX.</summary>
    Aten,
}

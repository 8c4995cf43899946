namespace OtoMask.Torch;

/// <summary>Kernels of our own, by the instructions they are compiled for; each is faster than those before it.</summary>
public enum KernelSet
{
    /// <summary>None: ATen computes everything.</summary>
    Off = 0,

    /// <summary>float32 with AVX2 and FMA.</summary>
    Avx2 = 1,

    /// <summary>float32 with AVX-512.</summary>
    Avx512 = 2,

    /// <summary>float32 with AVX-512, and bfloat16 faster still (AVX512-BF16); elsewhere bfloat16 is emulated, slowly.</summary>
    Avx512Bf16 = 3,
}

/// <summary>The names of <see cref="KernelSet"/> in reports and in <c>OTOMASK_KERNELS</c>.</summary>
internal static class KernelSetNames
{
    /// <summary>off, avx2, avx512 or avx512-bf16.</summary>
    public static string Name(this KernelSet set) => set == KernelSet.Avx512Bf16 ? "avx512-bf16" : set.ToString().ToLowerInvariant();
}

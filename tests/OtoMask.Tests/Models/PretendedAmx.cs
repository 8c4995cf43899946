using OtoMask.Torch;
using OtoMask.Torch.Interop;

namespace OtoMask.Tests.Models;

/// <summary>Until disposed, this process takes the processor for one with AMX. Tests in whose process models run go one at a time.</summary>
internal sealed class PretendedAmx : IDisposable
{
    public PretendedAmx() => ProcessorSetting.PretendsAmx = true;

    public void Dispose() => ProcessorSetting.PretendsAmx = false;
}

/// <summary>A test of the choice between kernels and ATen; skipped, and said so, where there are no kernels for bfloat16, or where the choice is made for good.</summary>
internal sealed class Bf16KernelsFactAttribute : FactAttribute
{
    public Bf16KernelsFactAttribute()
    {
        if (TorchRuntime.BestKernels < KernelSet.Avx512Bf16 || KernelSetting.IsGiven)
            Skip = "this processor lacks AVX512-BF16, or OTOMASK_KERNELS is set: there is nothing to choose";
    }
}

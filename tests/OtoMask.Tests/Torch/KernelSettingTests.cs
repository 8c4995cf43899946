using OtoMask.Tests.App;
using OtoMask.Torch;
using OtoMask.Torch.Interop;

namespace OtoMask.Tests.Torch;

/// <summary><c>OTOMASK_KERNELS</c>, read when the bridge is loaded.</summary>
public sealed class KernelSettingTests
{
    [Theory]
    [InlineData(null, KernelSet.Avx512Bf16, KernelSet.Avx512Bf16)]
    [InlineData("", KernelSet.Avx2, KernelSet.Avx2)]
    [InlineData(null, KernelSet.Off, KernelSet.Off)]
    [InlineData("off", KernelSet.Avx512, KernelSet.Off)]
    [InlineData("avx2", KernelSet.Avx512Bf16, KernelSet.Avx2)]
    [InlineData("avx512", KernelSet.Avx512Bf16, KernelSet.Avx512Bf16)]
    [InlineData("avx512", KernelSet.Avx512, KernelSet.Avx512)]
    public void ChoosesAmongWhatTheProcessorRuns(string? text, KernelSet best, KernelSet expected) =>
        Assert.Equal(expected, KernelSetting.Parse(text, best));

    [Theory]
    [InlineData("avx2", KernelSet.Off)]
    [InlineData("avx512", KernelSet.Avx2)]
    [InlineData("AVX2", KernelSet.Avx512)]
    [InlineData("on", KernelSet.Avx512)]
    public void RefusesAnythingElse(string text, KernelSet best) =>
        Assert.Contains(text, Assert.Throws<TorchSettingException>(() => KernelSetting.Parse(text, best)).Message);

    [Fact]
    public void AnUnknownWordIsAUserError() => Train("sse").AssertUserError("OTOMASK_KERNELS", "sse", "avx512");

    [Fact]
    public void TheBenchmarkTellsWhichKernelsRan() => Assert.Contains("\"kernels\": \"off\"", Train("off").Output);

    private static AppResult Train(string kernels) => AppProcess.RunWith(
        "OTOMASK_KERNELS", kernels,
        "bench", "train", "--json", "--steps", "1", "--encoder", "48/2/3", "--decoder", "32/2/4", "--input", "80x96", "--batch", "2");
}

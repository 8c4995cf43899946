namespace OtoMask.Torch.Interop;

/// <summary><c>OTOMASK_KERNELS</c> asks for other kernels than the best, to compare: off, avx2 or avx512.</summary>
internal static class KernelSetting
{
    private const string Variable = "OTOMASK_KERNELS";

    /// <summary>Whether it asks for any.</summary>
    public static bool IsGiven => Text is not (null or "");

    private static string? Text => Environment.GetEnvironmentVariable(Variable);

    /// <exception cref="TorchSettingException">The variable holds something else, or what this processor does not run.</exception>
    public static KernelSet Read(KernelSet best) => Parse(Text, best);

    public static KernelSet Parse(string? text, KernelSet best)
    {
        KernelSet wanted = text switch
        {
            null or "" => best,
            "off" => KernelSet.Off,
            "avx2" => KernelSet.Avx2,
            "avx512" => best > KernelSet.Avx512 ? best : KernelSet.Avx512, // with bfloat16 where there is
            _ => throw new TorchSettingException($"{Variable} is off, avx2 or avx512, not {text}; unset, the best kernels run ({best.Name()})"),
        };
        return wanted <= best ? wanted : throw new TorchSettingException($"{Variable}={text}: this processor runs {best.Name()} at best; unset it");
    }
}

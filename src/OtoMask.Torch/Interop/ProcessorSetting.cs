namespace OtoMask.Torch.Interop;

/// <summary><c>OTOMASK_PROCESSOR=amx</c> pretends a processor with AMX, for tests of what is chosen there: it computes with what the real one has.</summary>
internal static class ProcessorSetting
{
    private const string Variable = "OTOMASK_PROCESSOR", Amx = "amx";
    private static bool? pretendsAmx;

    /// <summary>Whether AMX is pretended; tests set it for their own process.</summary>
    /// <exception cref="TorchSettingException">The variable holds something else.</exception>
    public static bool PretendsAmx
    {
        get => pretendsAmx ??= Parse(Environment.GetEnvironmentVariable(Variable));
        set => pretendsAmx = value;
    }

    private static bool Parse(string? text) => text switch
    {
        null or "" => false,
        Amx => true,
        _ => throw new TorchSettingException($"{Variable} is {Amx}, which pretends a processor with AMX, not {text}; unset it"),
    };
}

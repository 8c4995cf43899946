namespace OtoMask.Torch.Interop;

/// <summary><c>OTOMASK_PROCESSOR=amx</c> pretends a processor with AMX, for tests of what is chosen there: it computes with what the real one has.</summary>
internal static class ProcessorSetting
{
    private const string Variable = "OTOMASK_PROCESSOR", Amx = "amx";

    /// <exception cref="TorchSettingException">The variable holds something else.</exception>
    public static bool PretendsAmx => Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => false,
        Amx => true,
        var text => throw new TorchSettingException($"{Variable} is {Amx}, which pretends a processor with AMX, not {text}; unset it"),
    };
}

using OtoMask.Torch;

namespace OtoMask.Tests.Devices;

/// <summary>Where a test computes that runs on the processor and elsewhere.</summary>
internal static class TestDevice
{
    /// <summary>Names the other device, for example <c>cuda:0</c>; where it is not set that is the pretended one.</summary>
    public const string Variable = "OTOMASK_TEST_DEVICE";

    /// <summary>What a test's cases call a device that is not the processor.</summary>
    public const string Another = "another device";

    /// <summary>The device of a word that a test's cases have.</summary>
    public static Device Named(string word) =>
        word == "cpu" ? Device.Cpu
        : Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name ? OtoMask.Devices.Find(name)
        : PretendedDevice.First;
}

using System.Runtime.InteropServices;
using OtoMask.Torch;

namespace OtoMask.Tests.Devices;

/// <summary>The device of tests/PretendedDevice: it lies in host memory, and counts what crosses.</summary>
internal static unsafe class PretendedDevice
{
    public const string Variable = "OTOMASK_BACKEND";

    public static readonly string Library = Path.Combine(AppContext.BaseDirectory, "libpretended_device.so");

    private static readonly Lazy<nint> Loaded = new(() =>
    {
        TorchRuntime.LoadBackend(Library);
        return NativeLibrary.Load(Library);
    });

    /// <summary>The first of the two that there are.</summary>
    public static Device First => At(0);

    public static Device At(int index)
    {
        _ = Loaded.Value;
        return new Device($"privateuseone:{index}");
    }

    /// <summary>What has crossed between host and device since <see cref="Forget"/>.</summary>
    public static Traffic Traffic
    {
        get
        {
            Traffic traffic;
            ((delegate* unmanaged<Traffic*, void>)NativeLibrary.GetExport(Loaded.Value, "pretended_device_counts"))(&traffic);
            return traffic;
        }
    }

    /// <summary>Begins to count anew.</summary>
    public static void Forget() => ((delegate* unmanaged<void>)NativeLibrary.GetExport(Loaded.Value, "pretended_device_reset"))();
}

/// <summary>What crossed between host and device (<c>pretended_counts</c>).</summary>
/// <param name="ToDevice">Copies to the device.</param>
/// <param name="ToHost">Copies to the host.</param>
/// <param name="Waits">How often the host waited for the device.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Traffic(long ToDevice, long ToHost, long Waits)
{
    public static Traffic operator -(Traffic now, Traffic before) => new(now.ToDevice - before.ToDevice, now.ToHost - before.ToHost, now.Waits - before.Waits);
}

/// <summary>Has the other device of the tests (<see cref="TestDevice"/>) there before the first test that touches tensors: libtorch counts the devices there are at its first backward pass, for good.</summary>
public sealed class OtherDevice
{
    public OtherDevice() => TestDevice.Named(TestDevice.Another);
}

/// <summary>The tests that touch tensors, one at a time.</summary>
[CollectionDefinition(NoTensorLeaksAttribute.Collection)]
public sealed class TensorTests : ICollectionFixture<OtherDevice>;

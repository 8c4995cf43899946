using OtoMask.Torch;

namespace OtoMask;

/// <summary>Devices by the names that users give them.</summary>
public static class Devices
{
    /// <summary>The device of a name: <c>cpu</c>, <c>cuda</c> (which is <c>cuda:0</c>), <c>cuda:1</c>.</summary>
    /// <exception cref="UserErrorException">This machine, or this libtorch, has none of that name.</exception>
    public static Device Find(string name)
    {
        var device = new Device(name);
        return TorchRuntime.Has(device)
            ? device
            : throw new UserErrorException($"`device` {name}: this machine, or this libtorch, has none; use cpu, or a libtorch with CUDA (LIBTORCH) on a machine with a GPU");
    }
}

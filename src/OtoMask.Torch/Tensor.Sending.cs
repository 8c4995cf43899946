using System.Runtime.InteropServices;
using OtoMask.Torch.Interop;

namespace OtoMask.Torch;

// From the host to a device.
public sealed partial class Tensor
{
    /// <summary>Copies of host values on a device. On another one than the processor they go over together, and nobody waits until they are there:
    /// what is called next is done behind them.</summary>
    /// <param name="device">Where to.</param>
    /// <param name="arrays">What.</param>
    /// <returns>A tensor for each.</returns>
    internal static unsafe Tensor[] Send(Device device, params ReadOnlySpan<HostArray> arrays)
    {
        var tensors = new Tensor[arrays.Length];
        NativeArray* natives = stackalloc NativeArray[arrays.Length];
        nint* handles = stackalloc nint[arrays.Length];
        var held = new GCHandle[2 * arrays.Length];
        try
        {
            for (int i = 0; i < arrays.Length; i++)
            {
                held[2 * i] = GCHandle.Alloc(arrays[i].Values, GCHandleType.Pinned);
                held[2 * i + 1] = GCHandle.Alloc(arrays[i].Shape, GCHandleType.Pinned);
                natives[i] = new NativeArray
                {
                    Data = (void*)held[2 * i].AddrOfPinnedObject(),
                    Sizes = (long*)held[2 * i + 1].AddrOfPinnedObject(),
                    Dimensions = arrays[i].Shape.Length,
                    DType = (int)arrays[i].Type,
                };
            }
            NativeMethods.Check(NativeMethods.om_send(natives, arrays.Length, device.Name, handles));
        }
        finally
        {
            foreach (GCHandle handle in held.Where(handle => handle.IsAllocated))
                handle.Free();
        }
        for (int i = 0; i < tensors.Length; i++)
            tensors[i] = new Tensor(handles[i]);
        return tensors;
    }

    /// <summary>A copy of host values on a device.</summary>
    /// <inheritdoc cref="HostArray.Of{T}(T[], long[])"/>
    internal static Tensor Send<T>(Device device, T[] values, params long[] shape) where T : unmanaged => Send(device, HostArray.Of(values, shape))[0];
}

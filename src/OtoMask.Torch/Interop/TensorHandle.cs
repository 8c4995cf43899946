using System.Runtime.InteropServices;

namespace OtoMask.Torch.Interop;

/// <summary>Owns one reference to a native tensor; the finaliser is the safety net for tensors nobody disposed.</summary>
internal sealed class TensorHandle : SafeHandle
{
    public TensorHandle(nint handle) : base(0, ownsHandle: true)
    {
        SetHandle(handle);
        TensorScope.CountMade();
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The raw reference; throws when the tensor is disposed.</summary>
    public nint Raw => !IsClosed ? handle : throw new ObjectDisposedException(nameof(Tensor), "the tensor was disposed, perhaps by its TensorScope");

    protected override bool ReleaseHandle()
    {
        TensorScope.CountFreed();
        return NativeMethods.om_free(handle) == 0;
    }
}

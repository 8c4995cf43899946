using System.Runtime.InteropServices;

namespace OtoMask.Torch.Interop;

/// <summary>Owns a native group. Every call holds it, so that a thread which waits in the store, perhaps for long, never finds it freed.</summary>
internal sealed class ProcessGroupHandle : SafeHandle
{
    public ProcessGroupHandle(nint handle) : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => NativeMethods.om_group_close(handle) == 0;
}

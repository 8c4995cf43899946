using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using OtoMask.Torch.Interop;

namespace OtoMask.Torch;

/// <summary>Is called while a backward pass is at work, when it has come to a tensor: everything between that and the loss is done then, gradients of parameters included.</summary>
internal sealed unsafe class GradientWatch : IDisposable
{
    private readonly Action<int> reached;
    private GCHandle self;
    private ExceptionDispatchInfo? failure;

    /// <param name="reached">Is told the number of the tensor, on the thread of the backward pass.</param>
    public GradientWatch(Action<int> reached)
    {
        this.reached = reached;
        self = GCHandle.Alloc(this);
    }

    /// <summary>Watches a tensor that some operator has made of parameters.</summary>
    /// <param name="tensor">The tensor; its graph must end before this watch is disposed.</param>
    /// <param name="number">What to tell.</param>
    /// <returns>False where it has no gradient, and nothing will be told.</returns>
    public bool Add(Tensor tensor, int number)
    {
        NativeMethods.Check(NativeMethods.om_when_differentiated(tensor.Handle.Raw, &Reached, GCHandle.ToIntPtr(self), number, out int watched));
        GC.KeepAlive(tensor);
        return watched != 0;
    }

    /// <summary>Throws what the callback threw, which the backward pass could not.</summary>
    public void ThrowIfFailed() => failure?.Throw();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (self.IsAllocated)
            self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Reached(nint context, int number)
    {
        var watch = (GradientWatch)GCHandle.FromIntPtr(context).Target!;
        try
        {
            watch.reached(number);
        }
        catch (Exception error) // it must not cross libtorch
        {
            watch.failure ??= ExceptionDispatchInfo.Capture(error);
        }
    }
}

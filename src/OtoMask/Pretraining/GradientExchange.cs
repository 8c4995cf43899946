using OtoMask.Distributed;
using OtoMask.Models;
using OtoMask.Torch;

namespace OtoMask.Pretraining;

/// <summary>
/// Sums the gradients of a model over all processes of a group while the backward pass is still at work: the weights of a block go out as soon as the pass has left it,
/// what is left at the end.
/// </summary>
/// <remarks>Kernels add gradients straight to the flat buffer, where no hook of autograd sees it; that the pass has come to a block's input tells the same. Blocks go out in
/// the reverse order of the forward pass, also where there was no backward pass (a loss that is not finite here), so that every process asks for the same sums in the same order.</remarks>
internal sealed class GradientExchange : IBlockWatch, IDisposable
{
    private readonly TrainingGroup group;
    private readonly ParameterSet parameters;
    private readonly IReadOnlyList<BlockStack> stacks;
    private readonly GradientWatch watch;
    private readonly List<(long Start, long Count)> entered = [];
    private readonly List<bool> reached = [];
    private readonly List<PendingSum?> sums = [];
    private readonly List<Tensor> slices = [];
    private int sent;

    /// <param name="group">The processes.</param>
    /// <param name="parameters">What the model is trained by; its owner disposes it, after this.</param>
    /// <param name="stacks">Its stacks of blocks.</param>
    public GradientExchange(TrainingGroup group, ParameterSet parameters, IReadOnlyList<BlockStack> stacks)
    {
        (this.group, this.parameters, this.stacks) = (group, parameters, stacks);
        watch = new GradientWatch(Reached);
    }

    /// <summary>Runs the forward and the backward pass after which the gradients are complete; they go out meanwhile.</summary>
    /// <param name="differentiate">Both passes.</param>
    public T During<T>(Func<T> differentiate)
    {
        foreach (BlockStack stack in stacks)
            stack.Watch = this;
        try
        {
            return differentiate();
        }
        finally
        {
            foreach (BlockStack stack in stacks)
                stack.Watch = null;
        }
    }

    /// <summary>Sends what has not gone out yet, and waits until all gradients are sums over the processes.</summary>
    /// <exception cref="PeerException">Another process is gone.</exception>
    public void Finish()
    {
        try
        {
            watch.ThrowIfFailed();
            SendUpTo(0);
            foreach ((long start, long count) in Rest())
                Send(start, count);
            foreach (PendingSum? sum in sums)
                group.Wait(sum);
        }
        finally
        {
            foreach (Tensor slice in slices)
                slice.Dispose();
            entered.Clear();
            reached.Clear();
            sums.Clear();
            slices.Clear();
        }
    }

    /// <inheritdoc/>
    public void Entering(IReadOnlyList<Parameter> weights, Tensor input)
    {
        if (!watch.Add(input, entered.Count))
            return; // features for masks, which no gradient goes through
        entered.Add((weights.Min(weight => weight.Offset), weights.Sum(weight => weight.Count)));
        reached.Add(false);
        sent = entered.Count;
    }

    /// <inheritdoc/>
    public void Dispose() => watch.Dispose();

    private void Reached(int block)
    {
        reached[block] = true;
        int complete = sent;
        while (complete > 0 && reached[complete - 1])
            complete--;
        SendUpTo(complete);
    }

    /// <summary>Sends the blocks from <paramref name="first"/> on that have not gone out yet, the last one first. One that the forward pass went through twice goes out with its first pass.</summary>
    private void SendUpTo(int first)
    {
        while (sent > first)
        {
            (long Start, long Count) block = entered[--sent];
            if (entered.IndexOf(block) == sent)
                Send(block.Start, block.Count);
        }
    }

    private void Send(long start, long count)
    {
        Tensor slice = parameters.Gradients.Narrow(0, start, count);
        slice.Scope?.KeepForever(slice);
        slices.Add(slice);
        sums.Add(group.BeginSum(slice));
    }

    /// <summary>What lies between the blocks, before and behind them.</summary>
    private IEnumerable<(long Start, long Count)> Rest()
    {
        long end = 0;
        foreach ((long start, long count) in entered.Distinct().Order().Append((parameters.Count, 0)))
        {
            if (start > end)
                yield return (end, start - end);
            end = start + count;
        }
    }
}

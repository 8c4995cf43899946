using OtoMask.Torch;

namespace OtoMask.Distributed;

/// <summary>Lets processes that train together stop after the same step, whichever of them is asked to. Asking costs no time: the answer of one step comes with the next.</summary>
/// <param name="group">The processes.</param>
/// <param name="cancellation">Asks this one to stop.</param>
internal sealed class StopVote(TrainingGroup group, CancellationToken cancellation) : IDisposable
{
    private Tensor? ballot;
    private PendingSum? count;

    /// <summary>Whether some process was asked to stop when this was called last.</summary>
    public bool IsCarried()
    {
        if (group.IsAlone)
            return cancellation.IsCancellationRequested;
        if (ballot is null)
            Begin();
        bool stop = End();
        Begin();
        return stop;
    }

    /// <inheritdoc/>
    public void Dispose() => ballot?.Dispose(); // a sum that is still on its way holds on to its own

    private void Begin()
    {
        ballot = Tensor.From([cancellation.IsCancellationRequested ? 1f : 0f], 1);
        ballot.Scope?.KeepForever(ballot);
        count = group.BeginSum(ballot);
    }

    private bool End()
    {
        group.Wait(count);
        bool stop = ballot!.ToArray<float>()[0] > 0;
        ballot.Dispose();
        return stop;
    }
}

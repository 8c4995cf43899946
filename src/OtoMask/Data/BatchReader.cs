using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace OtoMask.Data;

/// <summary>Loader threads that make batches ahead of need, and the queue that hands them out in order.</summary>
/// <typeparam name="TBatch">A batch; disposed of where it is disposable and nobody asked for it.</typeparam>
/// <remarks>Thread t takes the next number, makes that batch and puts it in its slot; it runs at most as many numbers ahead as there are slots.</remarks>
internal sealed class BatchReader<TBatch> : IDisposable
    where TBatch : class
{
    private readonly long end;
    private readonly CancellationToken cancellation;
    private readonly CancellationTokenRegistration wakeOnCancel;
    private readonly Thread[] threads;
    private readonly object gate = new();
    private readonly Slot?[] slots;
    private long taken, handedOut;
    private bool isStopped;

    private sealed record Slot(TBatch? Batch, ExceptionDispatchInfo? Failure);

    internal BatchReader(
        long first, long end, int workers, int slots, Func<Func<long, TBatch>> newMaker, CancellationToken cancellation)
    {
        (this.end, this.cancellation, this.slots) = (end, cancellation, new Slot?[slots]);
        (taken, handedOut) = (first, first);
        wakeOnCancel = cancellation.Register(Stop);
        threads = [.. Enumerable.Range(0, workers).Select(number =>
            new Thread(() => MakeBatches(newMaker())) { IsBackground = true, Name = $"loader {number}" })];
        foreach (Thread thread in threads)
            thread.Start();
    }

    /// <summary>How long <see cref="Next"/> has waited for batches since reading began.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>The next batch, which the caller disposes of after use; null after the last epoch.</summary>
    /// <exception cref="UserErrorException">No clip of the data set can be used, or the masks leave nothing to learn from.</exception>
    /// <exception cref="OperationCanceledException">Reading was cancelled.</exception>
    public TBatch? Next()
    {
        long begin = Stopwatch.GetTimestamp();
        Slot? slot = TakeSlot();
        Waited += Stopwatch.GetElapsedTime(begin);
        slot?.Failure?.Throw();
        return slot?.Batch;
    }

    private void MakeBatches(Func<long, TBatch> make)
    {
        while (TryTakeNumber(out long number))
        {
            Slot slot;
            try
            {
                slot = new Slot(make(number), null);
            }
            catch (Exception failure)
            {
                slot = new Slot(null, ExceptionDispatchInfo.Capture(failure)); // thrown again where the consumer asks for this batch
            }
            lock (gate)
            {
                slots[number % slots.Length] = slot;
                Monitor.PulseAll(gate);
            }
            if (slot.Failure is not null)
                return;
        }
    }

    private bool TryTakeNumber(out long number)
    {
        lock (gate)
        {
            while (!isStopped && taken < end && taken - handedOut >= slots.Length)
                Monitor.Wait(gate);
            number = taken;
            if (isStopped || taken >= end)
                return false;
            taken++;
            return true;
        }
    }

    private Slot? TakeSlot()
    {
        lock (gate)
        {
            if (handedOut >= end)
                return null;
            long index = handedOut % slots.Length;
            while (!isStopped && slots[index] is null)
                Monitor.Wait(gate);
            cancellation.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(isStopped, this);
            Slot slot = slots[index]!;
            if (slot.Failure is null) // a failure stays, so that asking again fails again instead of waiting for ever
            {
                slots[index] = null;
                handedOut++;
                Monitor.PulseAll(gate);
            }
            return slot;
        }
    }

    private void Stop()
    {
        lock (gate)
        {
            isStopped = true;
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Ends the loader threads and drops the batches made ahead.</summary>
    public void Dispose()
    {
        wakeOnCancel.Dispose();
        Stop();
        foreach (Thread thread in threads)
            thread.Join();
        foreach (Slot? slot in slots)
            (slot?.Batch as IDisposable)?.Dispose();
    }
}

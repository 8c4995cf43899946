using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace OtoMask.Data;

/// <summary>Loader threads that make batches ahead of need, and the queue that hands them out in order.</summary>
/// <typeparam name="TBatch">A batch; disposed of where it is disposable and nobody asked for it.</typeparam>
/// <remarks>A thread takes the next number, makes that batch and puts it in its slot; it runs at most <c>prefetch</c> numbers ahead for all and one for each
/// thread. As long as the consumer waits for more than <see cref="MostWait"/> of its time, and more threads are allowed, another one starts.</remarks>
internal sealed class BatchReader<TBatch> : IDisposable
    where TBatch : class
{
    /// <summary>Share of its time that the consumer may wait before another thread starts.</summary>
    private const double MostWait = 0.02;

    private readonly long end;
    private readonly LoaderThreads allowed;
    private readonly int prefetch;
    private readonly Func<Func<long, TBatch>> newMaker;
    private readonly CancellationToken cancellation;
    private readonly CancellationTokenRegistration wakeOnCancel;
    private readonly List<Thread> threads = [];
    private readonly object gate = new();
    private readonly Slot?[] slots;
    private long taken, handedOut;
    private bool isStopped;

    // Since when the waiting is judged: once every batch that the threads of today had begun with is handed out.
    private long judgedFrom, judgedSince;
    private TimeSpan waitedBefore;

    private sealed record Slot(TBatch? Batch, ExceptionDispatchInfo? Failure);

    internal BatchReader(
        long first, long end, LoaderThreads allowed, int prefetch, Func<Func<long, TBatch>> newMaker, CancellationToken cancellation)
    {
        (this.end, this.allowed, this.prefetch, this.newMaker, this.cancellation) = (end, allowed, prefetch, newMaker, cancellation);
        slots = new Slot?[allowed.Most + prefetch];
        (taken, handedOut) = (first, first);
        wakeOnCancel = cancellation.Register(Stop);
        for (int number = 0; number < allowed.First; number++)
            StartThread();
    }

    /// <summary>How long <see cref="Next"/> has waited for batches since reading began.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Threads that make batches by now.</summary>
    internal int Threads => threads.Count;

    /// <summary>The next batch, which the caller disposes of after use; null after the last epoch.</summary>
    /// <exception cref="UserErrorException">No clip of the data set can be used, or the masks leave nothing to learn from.</exception>
    /// <exception cref="OperationCanceledException">Reading was cancelled.</exception>
    public TBatch? Next()
    {
        Slot? slot = TakeSlot();
        slot?.Failure?.Throw();
        StartAnotherIfNeeded();
        return slot?.Batch;
    }

    private void StartThread()
    {
        var thread = new Thread(() => MakeBatches(newMaker())) { IsBackground = true, Name = $"loader {threads.Count}" };
        lock (gate)
        {
            threads.Add(thread);
            judgedFrom = handedOut + threads.Count + 1; // nothing is ahead of a thread that begins
        }
        thread.Start();
    }

    private void StartAnotherIfNeeded()
    {
        if (threads.Count == allowed.Most || handedOut < judgedFrom)
            return;
        if (handedOut == judgedFrom)
        {
            (judgedSince, waitedBefore) = (Stopwatch.GetTimestamp(), Waited);
            return;
        }
        // Over as many batches as there are threads: one slow batch of many is no reason.
        if (handedOut < judgedFrom + threads.Count + 1)
            return;
        if (Waited - waitedBefore > MostWait * Stopwatch.GetElapsedTime(judgedSince))
            StartThread();
        else
            judgedFrom = handedOut + 1;
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
            while (!isStopped && taken < end && taken - handedOut >= threads.Count + prefetch)
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
            if (slots[index] is null)
            {
                long begin = Stopwatch.GetTimestamp();
                while (!isStopped && slots[index] is null)
                    Monitor.Wait(gate);
                Waited += Stopwatch.GetElapsedTime(begin);
            }
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

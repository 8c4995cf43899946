using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace OtoMask.Data;

/// <summary>
/// Reads clips on threads ahead of one consumer, who gets them in order, piece by piece. What waits for the consumer is bounded: a few
/// clips for each thread, a few pieces of each clip.
/// </summary>
/// <typeparam name="TPiece">A part of a clip.</typeparam>
internal sealed class ReadAhead<TPiece> : IDisposable
{
    private const int PiecesAhead = 4, ClipsAheadPerWorker = 4;

    private readonly Action<int, Action<TPiece>> read;
    private readonly int count;
    private readonly CancellationTokenSource stop;
    private readonly SemaphoreSlim room;
    private readonly ConcurrentDictionary<int, ClipInWork> work = new();
    private readonly Thread[] threads;
    private int taken;

    /// <summary>Begins to read.</summary>
    /// <param name="first">The first clip.</param>
    /// <param name="count">Clips in all, those before <paramref name="first"/> too.</param>
    /// <param name="workers">Threads.</param>
    /// <param name="read">Reads one clip and hands on its pieces; what it throws, the consumer gets after the pieces. Thread-safe.</param>
    /// <param name="cancellation">Stops threads and consumer.</param>
    public ReadAhead(int first, int count, int workers, Action<int, Action<TPiece>> read, CancellationToken cancellation)
    {
        (this.read, this.count, taken) = (read, count, first - 1);
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        room = new SemaphoreSlim(workers * ClipsAheadPerWorker);
        threads = [.. Enumerable.Range(0, workers).Select(number => new Thread(Work) { IsBackground = true, Name = $"reader {number}" })];
        foreach (Thread thread in threads)
            thread.Start();
    }

    /// <summary>The pieces of a clip. Every clip is asked for once, in order, and enumerated to its end.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IEnumerable<TPiece> Pieces(int clip)
    {
        ClipInWork own = WorkOn(clip);
        foreach (TPiece piece in own.Pieces.GetConsumingEnumerable(stop.Token))
            yield return piece;
        work.TryRemove(clip, out _);
        room.Release();
        own.Failure?.Throw();
    }

    /// <summary>Stops the threads and waits for them.</summary>
    public void Dispose()
    {
        stop.Cancel();
        foreach (Thread thread in threads)
            thread.Join();
        room.Dispose();
        stop.Dispose();
    }

    private void Work()
    {
        try
        {
            while (true)
            {
                room.Wait(stop.Token);
                int clip = Interlocked.Increment(ref taken);
                if (clip >= count)
                    return;
                Read(clip, WorkOn(clip));
            }
        }
        catch (OperationCanceledException)
        {
            // The consumer failed or the caller had enough; whoever cancelled says why.
        }
    }

    private void Read(int clip, ClipInWork own)
    {
        try
        {
            read(clip, piece => own.Pieces.Add(piece, stop.Token));
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            own.Failure = ExceptionDispatchInfo.Capture(failure); // thrown again at the consumer
        }
        own.Pieces.CompleteAdding();
    }

    private ClipInWork WorkOn(int clip) => work.GetOrAdd(clip, _ => new ClipInWork());

    private sealed class ClipInWork
    {
        // Never disposed, which it need not be: the consumer sees the end while the thread that tells it is still inside CompleteAdding.
        public BlockingCollection<TPiece> Pieces { get; } = new(PiecesAhead);
        public ExceptionDispatchInfo? Failure { get; set; }
    }
}

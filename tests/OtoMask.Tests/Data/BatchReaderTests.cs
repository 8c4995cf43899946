using OtoMask.Data;

namespace OtoMask.Tests.Data;

public class BatchReaderTests
{
    private const int Batches = 80;

    [Fact]
    public void More_threads_start_as_long_as_the_consumer_waits() => Assert.Equal(4, ThreadsAfter(new(1, 4), loading: 5, letsThemWorkAhead: false));

    [Fact]
    public void A_consumer_that_never_waits_gets_no_more_threads() => Assert.Equal(1, ThreadsAfter(new(1, 4), loading: 0, letsThemWorkAhead: true));

    [Fact]
    public void As_many_threads_as_were_asked_for_are_all_there_are() => Assert.Equal(2, ThreadsAfter(LoaderThreads.For(2, Environment.ProcessorCount), loading: 5, letsThemWorkAhead: false));

    [Fact]
    public void Without_a_wish_there_is_one_thread_at_least_and_a_core_is_left_to_the_step()
    {
        LoaderThreads threads = LoaderThreads.For(0, Environment.ProcessorCount);
        Assert.InRange(threads.First, 1, threads.Most);
        Assert.InRange(threads.Most, 1, Math.Max(1, Environment.ProcessorCount - 1));
    }

    /// <summary>Reads all batches, each once and in order, and tells how many threads made them at the end.</summary>
    private static int ThreadsAfter(LoaderThreads allowed, int loading, bool letsThemWorkAhead)
    {
        int made = 0;
        Func<long, string> NewMaker() => number =>
        {
            Thread.Sleep(loading);
            Interlocked.Increment(ref made);
            return $"batch {number}";
        };
        using var reader = new BatchReader<string>(0, Batches, allowed, prefetch: 4, NewMaker, CancellationToken.None);
        for (int number = 0; number < Batches; number++)
        {
            if (letsThemWorkAhead)
                SpinWait.SpinUntil(() => Volatile.Read(ref made) >= Math.Min(number + 3, Batches));
            Assert.Equal($"batch {number}", reader.Next());
        }
        Assert.Null(reader.Next());
        return reader.Threads;
    }
}

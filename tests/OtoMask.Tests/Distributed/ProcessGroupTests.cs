using OtoMask.Tests.Interop;
using OtoMask.Torch;

namespace OtoMask.Tests.Distributed;

[Collection(NoTensorLeaksAttribute.Collection), NoTensorLeaks]
public sealed class ProcessGroupTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Who_waits_in_the_store_gets_its_answer_though_the_group_is_disposed_meanwhile()
    {
        string file = Path.Combine(folder.Path, "store");
        ProcessGroup group = ProcessGroup.Open(new(Rank: 0, Size: 1) { StoreFile = file });
        group.Set("asked", "the answer");
        Task<string?> asking;
        using (new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) // by flock, as the store does
        {
            asking = Task.Factory.StartNew(() => group.Get("asked"), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            Assert.True(SpinWait.SpinUntil(() => File.ReadLines("/proc/locks").Any(line => line.Contains("-> FLOCK") && line.Contains($" {Environment.ProcessId} ")), TimeSpan.FromSeconds(30)));
            await Task.Run(group.Dispose).WaitAsync(TimeSpan.FromSeconds(30));
        }
        Assert.Equal("the answer", await asking);
        Assert.Throws<ObjectDisposedException>(() => group.Get("asked"));
    }

    /// <summary>Found by a kill: of a sum of bfloat16, two turns on the wire, a survivor had lost the first and begun the next sum, which met the second turn of the other survivor.</summary>
    [Fact]
    public async Task After_something_has_failed_in_one_process_nothing_it_does_meets_what_others_do()
    {
        ProcessGroup[] groups = await Task.WhenAll(Enumerable.Range(0, 2).Select(rank => Task.Run(() =>
        {
            ProcessGroup group = ProcessGroup.Open(new(rank, Size: 2) { StoreFile = Path.Combine(folder.Path, "store"), IsLoopback = true, Address = "127.0.0.1", Timeout = TimeSpan.FromSeconds(3) });
            group.Connect();
            return group;
        })));
        try
        {
            Task other = Task.Run(() => Sum(groups[0]));
            TorchException failure = Assert.Throws<TorchException>(() =>
            {
                using Tensor one = Tensor.From([1.0], 1);
                groups[1].Broadcast(one, from: 7);
            });
            Assert.Equal(failure.Message, Assert.Throws<TorchException>(() => Sum(groups[1])).Message);
            await Assert.ThrowsAsync<TorchException>(() => other);
        }
        finally
        {
            foreach (ProcessGroup group in groups)
                group.Dispose();
        }
    }

    private static void Sum(ProcessGroup group)
    {
        using Tensor numbers = Tensor.From([1.0], 1);
        group.BeginSum(numbers).Wait();
    }
}

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
}

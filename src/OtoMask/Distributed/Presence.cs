using OtoMask.Torch;

namespace OtoMask.Distributed;

/// <summary>Who of a group is still there: every process counts in the store while it lives, and says there why it goes.</summary>
internal sealed class Presence
{
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(1), Silence = TimeSpan.FromSeconds(3.5), Patience = TimeSpan.FromSeconds(8);
    private const int LongestPause = 200;
    private const char Mendable = '2', Other = '1'; // what a reason begins with: the exit code that it means
    private readonly ProcessGroup processes;
    private readonly RankPlace place;
    private readonly ManualResetEventSlim ended = new();
    private readonly Thread beating;

    /// <summary>Begins to count.</summary>
    public Presence(ProcessGroup processes, RankPlace place)
    {
        (this.processes, this.place) = (processes, place);
        beating = new Thread(Count) { IsBackground = true, Name = "presence" };
        beating.Start();
    }

    /// <summary>Says why this process goes, for the others to tell.</summary>
    /// <param name="reason">One line; null where it goes because another one has.</param>
    /// <param name="isUserError">Whether it is for what its user can mend.</param>
    public void Leave(string? reason, bool isUserError) => Within(Patience, () => processes.Set(Left(place.Rank), reason is null ? "" : $"{(isUserError ? Mendable : Other)}{reason}"), out _);

    /// <summary>What has become of the others, as one line, after something that all do together has failed.</summary>
    /// <param name="failure">How c10d says that it has.</param>
    public PeerException Explain(TorchException failure)
    {
        if (!Within(Patience, () => Look(failure), out PeerException? found))
            return new($"the store at {place.Store} does not answer: {(place.LauncherHoldsStore ? $"{place.Launcher} on that machine" : "rank 0")} is gone or cannot be reached", failure);
        return found ?? new($"the processes cannot go on together ({OneLine.Of(failure.Message)})", failure);
    }

    /// <summary>Waits as long as the first process lives until it has counted so far.</summary>
    /// <exception cref="PeerException">It is gone.</exception>
    public void WaitForFirst(string key, long until)
    {
        DateTime seen = DateTime.UtcNow;
        long beats = -1;
        int pause = 0;
        while (processes.Count(key) < until)
        {
            Thread.Sleep(pause = Math.Min(pause + 10, LongestPause));
            if (processes.Get(Left(0)) is { } reason)
                throw Gone(0, reason);
            if (processes.Count(Alive(0)) is var now && now != beats)
                (beats, seen) = (now, DateTime.UtcNow);
            else if (DateTime.UtcNow - seen > TimeSpan.FromMinutes(1))
                throw new PeerException("rank 0 has not been heard of for a minute: it is gone, hangs, or cannot be reached");
        }
    }

    /// <summary>Where this process holds the store: waits until the others have seen why it ends.</summary>
    public void SeeOthersOff()
    {
        if (place.Rank != 0 || place.StoreFile is not null || place.LauncherHoldsStore)
            return;
        DateTime end = DateTime.UtcNow + Patience;
        Within(Patience, () =>
        {
            while (DateTime.UtcNow < end && Others.Any(rank => processes.Get(Left(rank)) is null))
                Thread.Sleep(100);
        }, out _);
    }

    /// <summary>Ends the counting, which may hang in a store that does not answer.</summary>
    public void End()
    {
        ended.Set();
        beating.Join(Patience);
    }

    private IEnumerable<int> Others => Enumerable.Range(0, place.Size).Where(rank => rank != place.Rank);

    /// <summary>Who said why it went; else who has stopped counting.</summary>
    private PeerException? Look(TorchException failure)
    {
        Dictionary<int, long> before = Others.ToDictionary(rank => rank, rank => processes.Count(Alive(rank)));
        DateTime end = DateTime.UtcNow + Silence;
        while (true)
        {
            foreach (int rank in Others)
            {
                if (processes.Get(Left(rank)) is { Length: > 0 } reason)
                    return Gone(rank, reason, failure);
            }
            if (DateTime.UtcNow > end)
                break;
            Thread.Sleep(100);
        }
        int[] silent = [.. Others.Where(rank => processes.Get(Left(rank)) is null && processes.Count(Alive(rank)) == before[rank])];
        return silent.Length == 0 ? null
            : new($"{(silent.Length == 1 ? $"rank {silent[0]} is" : $"ranks {string.Join(", ", silent)} are")} gone: killed, hanging, or not to be reached", failure);
    }

    private static PeerException Gone(int rank, string said, TorchException? failure = null) => said.Length > 0
        ? new($"rank {rank} ended: {said[1..]}", failure) { IsUserError = said[0] == Mendable }
        : new($"rank {rank} ended, for another one is gone", failure);

    private void Count()
    {
        try
        {
            do
                processes.Add(Alive(place.Rank), 1);
            while (!ended.Wait(Beat));
        }
        catch (Exception error) when (error is TorchException or ObjectDisposedException)
        {
            // The store is gone. Who waits for something of the others will be told.
        }
    }

    private static string Alive(int rank) => $"alive/{rank}";

    private static string Left(int rank) => $"left/{rank}";

    private static bool Within(TimeSpan patience, Action work, out bool done) => Within(patience, () => { work(); return true; }, out done);

    /// <summary>Asks the store, which may hang as long as the machine that holds it.</summary>
    private static bool Within<T>(TimeSpan patience, Func<T> work, out T? result)
    {
        result = default;
        try
        {
            Task<T> asked = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (!asked.Wait(patience))
                return false;
            result = asked.Result;
            return true;
        }
        catch (AggregateException failure) when (failure.InnerException is TorchException or ObjectDisposedException)
        {
            return false;
        }
    }
}

using System.Net;
using System.Net.Sockets;
using OtoMask.Distributed;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.Tests.Distributed;

/// <summary>Processes that train together, each a thread of this one: the same groups, gloo and store, without starting programs.</summary>
internal static class Ranks
{
    /// <summary>Has so many of them do the same, and waits for all.</summary>
    /// <returns>What each of them made of it.</returns>
    /// <exception cref="AggregateException">Some of them failed.</exception>
    public static T[] Together<T>(int count, Func<TrainingGroup, T> work, GroupOptions? options = null)
    {
        string folder = Directory.CreateTempSubdirectory("otomask-ranks-").FullName;
        try
        {
            return At([.. Enumerable.Range(0, count).Select(rank => new RankPlace(rank, count, rank, count) { Launcher = "a test", StoreFile = Path.Combine(folder, "store") })], work, options);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <inheritdoc cref="Together{T}"/>
    public static void Together(int count, Action<TrainingGroup> work, GroupOptions? options = null) => Together(count, group => { work(group); return true; }, options);

    /// <summary>Has them do what is refused.</summary>
    /// <returns>What the first of them says of it: it found that itself, or heard it from one that was faster.</returns>
    public static string Refusal(int count, Action<TrainingGroup> work)
    {
        Exception refusal = Assert.Throws<AggregateException>(() => Together(count, work)).InnerExceptions[0];
        Assert.True(refusal is UserErrorException or PeerException { IsUserError: true }, refusal.ToString());
        return refusal.Message;
    }

    /// <summary>The same at places of the test's choice.</summary>
    public static T[] At<T>(RankPlace[] places, Func<TrainingGroup, T> work, GroupOptions? options = null)
    {
        Task<T>[] ranks = [.. places.Select(place => Task.Factory.StartNew(() => Join(place, work, options), TaskCreationOptions.LongRunning))];
        Task.WaitAll(ranks);
        return [.. ranks.Select(rank => rank.Result)];
    }

    /// <summary>A run that several processes have shared has the losses of one that was alone: to a tolerance in the first step, to another in all.</summary>
    public static void AssertLosses(RunFolder alone, RunFolder shared, double first, double all)
    {
        RunLog expected = RunLog.Read(alone.Log), actual = RunLog.Read(shared.Log);
        Assert.Equal(expected.Steps.Count, actual.Steps.Count);
        Assert.Equal(expected.Steps[0].Loss, actual.Steps[0].Loss, first);
        Assert.All(expected.Steps.Zip(actual.Steps), pair => Assert.Equal(pair.First.Loss, pair.Second.Loss, all));
        Assert.Equal(expected.Steps.Select(step => step.Hint), actual.Steps.Select(step => step.Hint));
        Assert.Equal(expected.Evaluations.Select(one => (one.Step, one.Metric)), actual.Evaluations.Select(one => (one.Step, one.Metric)));
    }

    /// <summary>A port of this machine that nobody listens at.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static T Join<T>(RankPlace place, Func<TrainingGroup, T> work, GroupOptions? options)
    {
        using TrainingGroup group = TrainingGroup.Join(place, options ?? new GroupOptions(), Device.Cpu);
        try
        {
            return work(group);
        }
        catch (Exception error)
        {
            group.Leave(error);
            throw;
        }
    }
}

using System.Net;

namespace OtoMask.Distributed;

/// <summary>The place of a process among those that train together, and where they find each other.</summary>
/// <param name="Rank">Its number, from 0. The first one writes the run.</param>
/// <param name="Size">How many there are.</param>
/// <param name="LocalRank">Its number among those on its machine.</param>
/// <param name="LocalSize">How many are on its machine.</param>
internal sealed record RankPlace(int Rank, int Size, int LocalRank, int LocalSize)
{
    /// <summary>The port where people expect the store.</summary>
    public const int DefaultPort = 29500;

    /// <summary>Who started the processes.</summary>
    public required string Launcher { get; init; }

    /// <summary>The store is this file; null = it listens at <see cref="Host"/>.</summary>
    public string? StoreFile { get; init; }

    /// <summary>Name or address of the machine of the first process.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Port of the store there.</summary>
    public int Port { get; init; } = DefaultPort;

    /// <summary>Whether the launcher holds the store; else the first process does.</summary>
    public bool LauncherHoldsStore { get; init; }

    /// <summary>What tells this start from others that may have left something in the store.</summary>
    public string Attempt { get; init; } = "";

    /// <summary>Whether the launcher gives every process one thread unless it is told otherwise.</summary>
    public bool IsStarved { get; init; }

    /// <summary>Whether all of them are on this machine.</summary>
    public bool IsOneMachine => LocalSize == Size || IsLoopback(Host);

    /// <summary>Cores of this machine that are this process's share.</summary>
    public int Cores => Math.Max(1, Environment.ProcessorCount / LocalSize);

    /// <summary>What the store is called in messages.</summary>
    public string Store => StoreFile ?? $"{Host}:{Port}";

    private static bool IsLoopback(string host) => host == "localhost" || (IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address));
}

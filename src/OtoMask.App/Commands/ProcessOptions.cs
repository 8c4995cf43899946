using System.CommandLine;
using System.Globalization;
using OtoMask.Configuration;
using OtoMask.Distributed;
using OtoMask.Runs;
using OtoMask.Torch;

namespace OtoMask.App.Commands;

/// <summary>Options of commands that several processes can do together, whoever starts them.</summary>
internal sealed class ProcessOptions
{
    private const int MostProcesses = 1024;
    private const double MostSeconds = 86_400;
    private readonly Option<string> processes = new("--processes")
    {
        Description = "Train by so many processes on this machine, which share every batch; auto = one for each GPU, or for each part of the memory (NUMA node) where the processor computes.",
        HelpName = "N|auto",
    };
    private readonly Option<string> backend = new("--backend") { Description = "How processes reach each other: gloo, nccl, or auto.", HelpName = "auto|gloo|nccl", DefaultValueFactory = _ => "auto" };
    private readonly NumberOption<double> timeout = new("--timeout", new NumberRange(1, MostSeconds), "Seconds after which a process that does not answer the others counts as gone.")
    {
        HelpName = "S",
        DefaultValueFactory = _ => 600,
    };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[processes, backend, timeout])
            command.Options.Add(option);
    }

    /// <summary>Does some work alone or together with the processes that a launcher, or <c>--processes</c>, has started.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="device">Where each of them computes.</param>
    /// <param name="cancellation">Asks this one to stop.</param>
    /// <param name="work">The work; together, all stop it after the same step, and are not to complain of the token that asked one of them.</param>
    /// <returns>The exit code.</returns>
    public int Run(ParseResult line, string device, CancellationToken cancellation, Action<TrainingGroup> work)
    {
        GroupOptions options = new() { Backend = line.GetRequiredValue(backend), Timeout = TimeSpan.FromSeconds(timeout.Read(line)) };
        RankPlace? place = Launchers.Find(Environment.GetEnvironmentVariable);
        if (place is not null || line.GetValue(processes) is not null)
            options.RequireBackend(new Device(device));
        using StartedProcesses? others = place is null or { StoreFile: null } && Asked(line, device) is > 1 and var count
            ? place is null ? new StartedProcesses(count) : throw new UserErrorException($"{place.Launcher} has started {place.Size} processes already; leave out --processes")
            : null;
        place ??= others?.First;
        if (place is null)
        {
            work(TrainingGroup.Alone);
            cancellation.ThrowIfCancellationRequested();
            return 0;
        }
        if (place.Rank > 0)
            Failure.Speaker = $"{CommandLine.Name}: rank {place.Rank}";
        ShareCores(place);
        using TrainingGroup group = TrainingGroup.Join(place, options, new Device(device));
        try
        {
            work(group);
            int signalled = Interruption.OfAny(group);
            if (signalled != 0 && group.IsFirst)
                Terminal.TellError($"{CommandLine.Name}: stopped");
            return signalled;
        }
        catch (Exception error)
        {
            group.Leave(error);
            // Of one command line the first process tells what the user can mend: it found the same, or hears it from this one.
            if (error is UserErrorException or PeerException { IsUserError: true } && place is { StoreFile: not null, Rank: > 0 })
                return Failure.UserError;
            if (error is PeerException { IsUserError: false } && group.IsFirst)
                throw new PeerException($"{error.Message}; the same command line goes on from the newest checkpoint", error);
            throw;
        }
    }

    /// <summary>Whether a command line that would begin a run goes on with the one that is there: together it does, for a launcher starts a failed job again by the same line.</summary>
    public static bool GoesOn(TrainingGroup group, RunFolder folder) => !group.IsAlone && group.Told(() => folder.Checkpoints.LastOrDefault()) is not null;

    /// <summary>Why a command line that is to go on with a run cannot: the run is another.</summary>
    public static UserErrorException BegunOtherwise(string folder, IEnumerable<ConfigChange> changes) =>
        new($"{folder} holds a run that was begun otherwise: {string.Join(", ", changes)}. Choose another --out, or say what it was begun with, to go on");

    private int? Asked(ParseResult line, string device) => line.GetValue(processes) switch
    {
        null => null,
        "auto" => new Device(device).IsCpu ? MemoryNodes() : Enumerable.Range(0, MostProcesses).TakeWhile(index => TorchRuntime.Has(new Device($"{device.Split(':')[0]}:{index}"))).Count(),
        var text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is >= 1 and <= MostProcesses
            ? count
            : throw new UserErrorException($"--processes {text}: give a number from 1 to {MostProcesses}, or auto"),
    };

    /// <summary>Parts of the memory that have cores of their own, which Linux lists as <c>0-1,3</c>.</summary>
    private static int MemoryNodes() => KernelFile.Lines("/sys/devices/system/node/has_cpu") is not [{ Length: > 0 } list, ..] ? 1
        : list.Split(',').Sum(part => part.Split('-') is [var first, var last] ? int.Parse(last, CultureInfo.InvariantCulture) - int.Parse(first, CultureInfo.InvariantCulture) + 1 : 1);

    /// <summary>Threads for every process of this machine, unless the user has said how many.</summary>
    private static void ShareCores(RankPlace place)
    {
        string? said = Environment.GetEnvironmentVariable("OMP_NUM_THREADS");
        if (place.IsStarved && said == "1" && place.Cores > 1)
        {
            if (place.LocalRank == 0)
                Terminal.TellError($"{CommandLine.Name}: {place.Launcher} gives every process one thread (OMP_NUM_THREADS=1), which starves a processor; taking {place.Cores}");
            TorchRuntime.Threads = place.Cores;
        }
        else if (string.IsNullOrEmpty(said))
            TorchRuntime.Threads = place.Cores;
    }
}

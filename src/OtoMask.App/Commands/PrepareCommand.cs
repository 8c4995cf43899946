using System.CommandLine;
using System.Globalization;
using OtoMask.Audio;
using OtoMask.Data;

namespace OtoMask.App.Commands;

/// <summary><c>otomask prepare DATA --out CACHE</c>: log-mels computed once, for every run that follows.</summary>
internal static class PrepareCommand
{
    public static Command Create()
    {
        Argument<string> data = new("DATA") { Description = "Folder of audio or .npy log-mels (any depth), or CSV with a file_name column." };
        Option<string> output = new("--out") { Description = "Folder of the cache; --data of `pretrain` takes it.", Required = true, HelpName = "CACHE" };
        Option<int> sampleRate = new("--sample-rate") { Description = "16000 or 32000 Hz, as the runs will have it.", DefaultValueFactory = _ => LogMelSettings.Default.SampleRate, HelpName = "HZ" };
        NumberOption<int> workers = new("--workers", BatchOptions.WorkerRange, "Threads that decode (0 = all cores).") { DefaultValueFactory = _ => 0, HelpName = "N" };
        Command command = new("prepare", "Compute the log-mels of a data set once, into a cache that `pretrain --data` takes.") { data, output, sampleRate, workers };
        command.SetAction((line, cancellation) => Task.FromResult(Run(
            line.GetRequiredValue(data), line.GetRequiredValue(output), FrontEnd(line.GetRequiredValue(sampleRate)), workers.Read(line), cancellation)));
        return command;
    }

    private static int Run(string data, string output, LogMelSettings settings, int workers, CancellationToken cancellation)
    {
        if (LogMelCache.IsCache(data))
            throw new UserErrorException($"{data} is a cache already; name the audio it was made of, or give it to pretrain --data");
        using ClipSource source = ClipSource.Open(data, new ClipSourceOptions(settings));
        CacheSummary summary;
        try
        {
            summary = Terminal.WithProgress("computing log-mels", progress =>
                LogMelCache.Prepare(source.Clips, settings, output, workers, progress, cancellation));
        }
        catch (OperationCanceledException)
        {
            Terminal.Tell("what is done stays; the same command goes on from there");
            throw;
        }
        Tell(output, settings, summary, cancellation);
        return 0;
    }

    private static void Tell(string output, LogMelSettings settings, CacheSummary summary, CancellationToken cancellation)
    {
        Terminal.Tell(string.Create(CultureInfo.InvariantCulture,
            $"{output}: {summary.Clips - summary.BadClips} clips, {summary.Seconds / 3600:F2} hours, {summary.Bytes / 1e6:F1} MB"));
        using LogMelCache cache = LogMelCache.Open(output, settings);
        if (summary.BadClips > 0)
            BadFileList.Tell(cache.BadClips, summary.Clips, $"bad-files.csv in {output}");
        foreach (LeftOutClip far in cache.FarOutside(cancellation))
            Terminal.Tell($"warning: a training will leave out {far.Name}: {far.Reason}");
    }

    private static LogMelSettings FrontEnd(int sampleRate) => sampleRate switch
    {
        16000 => LogMelSettings.Default,
        32000 => LogMelSettings.ThirtyTwoKilohertz,
        _ => throw new UserErrorException($"--sample-rate {sampleRate}: there is a front end for 16000 and for 32000; choose one"),
    };
}

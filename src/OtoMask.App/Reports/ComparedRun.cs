using OtoMask.Configuration;
using OtoMask.Runs;

namespace OtoMask.App.Reports;

/// <summary>A run among others.</summary>
/// <param name="Name">Its folder, as the user named it.</param>
/// <param name="Config">Its resolved configuration.</param>
/// <param name="Log">Its rows so far.</param>
internal sealed record ComparedRun(string Name, PretrainingConfig Config, RunLog Log)
{
    /// <summary>The numbers it stands at.</summary>
    public RunMetrics Metrics { get; } = RunMetrics.Of(Log, Config.Batch * Config.Accumulate);

    /// <summary>Reads a run folder.</summary>
    /// <exception cref="UserErrorException">It is none, or a file of it is damaged.</exception>
    public static ComparedRun Read(string folder)
    {
        var run = new RunFolder(folder);
        if (!File.Exists(run.Config))
            throw new UserErrorException($"{folder} holds no run: there is no config.yaml; name a folder that `otomask pretrain --out` wrote");
        return new ComparedRun(Path.TrimEndingDirectorySeparator(folder), ConfigFile.Read(run.Config), RunLog.Read(run.Log));
    }
}

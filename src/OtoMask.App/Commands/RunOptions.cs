using System.CommandLine;
using OtoMask.Configuration;

namespace OtoMask.App.Commands;

/// <summary>Options that every command that trains has besides its configuration: where the run goes, or which one goes on.</summary>
internal sealed class RunOptions
{
    private readonly Option<string> config = new("--config") { Description = "YAML file of the values below; options on the command line win.", HelpName = "FILE.yaml" };
    private readonly Option<string> output = new("--out") { Description = "Run folder to make.", HelpName = "RUN" };
    private readonly Option<string> resume = new("--resume") { Description = "Go on with a run exactly where its newest checkpoint left it, or at the checkpoint named.", HelpName = "RUN|CHECKPOINT" };
    private readonly Option<bool> force = new("--force") { Description = "With --resume: go on although the configuration, or the data of a pre-training, has changed." };
    private readonly NumberOption<int?> stopAt = new("--stop-at", new NumberRange(1, int.MaxValue), "Stop after this epoch although the schedules go on; --resume continues.") { HelpName = "EPOCH" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[config, output, resume, force, stopAt])
            command.Options.Add(option);
    }

    /// <summary>The file of the configuration, or null.</summary>
    public string? ConfigFile(ParseResult line) => line.GetValue(config);

    /// <summary>The epoch to stop after, or null.</summary>
    /// <exception cref="UserErrorException">It is out of range.</exception>
    public int? StopAt(ParseResult line) => stopAt.Read(line);

    /// <summary>The run or checkpoint to go on with; null for a new run.</summary>
    public string? Resumed(ParseResult line)
    {
        string? run = line.GetValue(resume);
        if (run is not null && line.GetValue(output) is not null)
            throw new UserErrorException("--resume goes on in the run's own folder: leave out --out");
        if (run is null && line.GetValue(force))
            throw new UserErrorException("--force is for --resume; a new run is never written over an old one");
        return run;
    }

    /// <summary>Whether a run may go on otherwise than it was trained so far.</summary>
    public bool IsForced(ParseResult line) => line.GetValue(force);

    /// <summary>The folder of a new run.</summary>
    public string NewRun(ParseResult line) => line.GetValue(output) ?? throw new UserErrorException("nowhere to write: name a run folder with --out");

    /// <summary>Refuses to go on otherwise than a checkpoint was trained, unless that is forced.</summary>
    public static Action<string, IReadOnlyList<ConfigChange>> Accept(bool force) => (checkpoint, changes) =>
    {
        if (!force)
            throw new UserErrorException(
                $"{checkpoint} was trained otherwise: {string.Join(", ", changes)}. To go on as it was, leave that out or put the data back; to go on with what is new, add --force");
    };
}

using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using OtoMask.Configuration;
using OtoMask.Distributed;
using OtoMask.Geometry;
using OtoMask.Pretraining;
using OtoMask.Runs;
using OtoMask.Weights;

namespace OtoMask.App.Commands;

/// <summary><c>otomask pretrain --data PATH --out RUN</c>, and <c>--resume RUN</c> to go on.</summary>
internal static class PretrainCommand
{
    private const string Verb = "pretrain";

    public static Command Create()
    {
        NumberOption<double?> seconds = new("--input-seconds", InputGeometry.SecondsRange, "Length of the input; the frames follow (instead of --input).") { HelpName = "S" };
        ConfigOptions<PretrainingConfig> values = ConfigOptions.Of();
        RunOptions options = new();
        ProcessOptions processes = new();
        Command command = new(Verb, "Pre-train an encoder on audio of your own, with the masking strategy of your choice.");
        options.AddTo(command);
        command.Options.Add(seconds);
        values.AddTo(command);
        processes.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            IReadOnlySet<string> given = values.Given(line);
            int? stopAt = options.StopAt(line);
            double? length = seconds.Read(line);
            if (length is not null && given.Contains("input"))
                throw new UserErrorException("--input and --input-seconds say the same thing: choose one");
            string? file = options.ConfigFile(line);
            PretrainingConfig Read(PretrainingConfig start) => values.Read(line, file is null ? start : ConfigFile.Read(file, start));
            PretrainingConfig Resolve(PretrainingConfig config) => values.InEffect(line, PretrainCommand.Resolve(config, length));

            if (options.Resumed(line) is { } run)
            {
                if (given.Contains("from"))
                    throw new UserErrorException("--from begins a run with another model's weights, --resume goes on with a run: choose one");
                string device = Read(new PretrainingConfig()).Device;
                return Task.FromResult(processes.Run(line, device, cancellation, group => Resume(group, run, start => Resolve(Read(start)), RunOptions.Accept(options.IsForced(line)), stopAt, cancellation)));
            }
            PretrainingConfig configuration = Read(new PretrainingConfig());
            if (configuration.From is { } model)
            {
                IEnumerable<string> inFile = file is null ? [] : ConfigFile.KeysOf(file), bySeconds = length is null ? [] : ["input"];
                configuration = FurtherPretraining.Complete(configuration, SavedModel.Open(model), given.Concat(inFile).Concat(bySeconds).ToHashSet());
            }
            (string folder, PretrainingConfig resolved) = (options.NewRun(line), Resolve(configuration).Validate());
            return Task.FromResult(processes.Run(line, resolved.Device, cancellation, group => Begin(group, folder, resolved, stopAt, cancellation)));
        });
        return command;
    }

    /// <summary>Frames for seconds, and paths that mean the same from any folder.</summary>
    private static PretrainingConfig Resolve(PretrainingConfig config, double? seconds)
    {
        if (seconds is { } length)
        {
            InputGeometry geometry = InputGeometry.FromSeconds(length, config.Patch);
            config = config with { Input = geometry.InputText };
        }
        return config with { Data = Absolute(config.Data), From = Absolute(config.From), Noise = Absolute(config.Noise), Task = Absolute(config.Task), Valid = Absolute(config.Valid) };
    }

    /// <summary>Begins a run, or goes on with the one that processes have left there.</summary>
    private static void Begin(TrainingGroup group, string folder, PretrainingConfig config, int? stopAt, CancellationToken cancellation)
    {
        if (ProcessOptions.GoesOn(group, new RunFolder(folder)))
            Resume(group, folder, config.AsResolved, (_, changes) => throw ProcessOptions.BegunOtherwise(folder, changes), stopAt, cancellation);
        else
            Show(group, display => Train(PretrainingRun.Begin(folder, config, display, cancellation: cancellation, group: group), stopAt, display, cancellation));
    }

    private static void Resume(
        TrainingGroup group, string path, Func<PretrainingConfig, PretrainingConfig> configure, Action<string, IReadOnlyList<ConfigChange>> accept, int? stopAt, CancellationToken cancellation) =>
        Show(group, display => Train(PretrainingRun.Resume(path, configure, accept, display, cancellation: cancellation, group: group), stopAt, display, cancellation));

    private static void Show(TrainingGroup group, Func<RunDisplay, string> work) => RunDisplay.Show(Verb, work, isQuiet: !group.IsFirst);

    /// <returns>What to tell the user at the end.</returns>
    private static string Train(PretrainingRun opened, int? stopAt, RunDisplay display, CancellationToken cancellation)
    {
        using PretrainingRun run = opened;
        TrainingEnd end = run.Train(stopAt, cancellation);
        RunFolder folder = run.Folder;
        display.Note(run.BadFiles, run.Clips.Count, folder);
        return end == TrainingEnd.Stopped
            ? $"stopped after step {run.StepsDone} of {run.TotalSteps}; go on with: otomask pretrain --resume {folder.Path}"
            : $"done: {folder.LatestCheckpoint}; look at {folder.Report}, or probe it with: otomask probe {folder.Path} --task TASK.csv";
    }

    [return: NotNullIfNotNull(nameof(path))]
    private static string? Absolute(string? path) => string.IsNullOrEmpty(path) ? path : Path.GetFullPath(path);
}

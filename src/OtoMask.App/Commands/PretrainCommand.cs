using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using OtoMask.App.Reports;
using OtoMask.Data;
using OtoMask.Geometry;
using OtoMask.Pretraining;
using RunLog = OtoMask.App.Reports.RunLog;

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
        Command command = new(Verb, "Pre-train an encoder on audio of your own, with the masking strategy of your choice.");
        options.AddTo(command);
        command.Options.Add(seconds);
        values.AddTo(command);
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
                return Task.FromResult(Resume(run, start => Resolve(Read(start)), options.IsForced(line), stopAt, cancellation));
            }
            PretrainingConfig configuration = Read(new PretrainingConfig());
            if (configuration.From is { } model)
            {
                IEnumerable<string> inFile = file is null ? [] : ConfigFile.KeysOf(file), bySeconds = length is null ? [] : ["input"];
                configuration = FurtherPretraining.Complete(configuration, SavedModel.Open(model), given.Concat(inFile).Concat(bySeconds).ToHashSet());
            }
            return Task.FromResult(Begin(options.NewRun(line), Resolve(configuration), stopAt, cancellation));
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
        return config with { Data = Absolute(config.Data), From = Absolute(config.From), Noise = Absolute(config.Noise), Task = Absolute(config.Task) };
    }

    private static int Begin(RunFolder folder, PretrainingConfig config, int? stopAt, CancellationToken cancellation)
    {
        // What the user can mend is said before minutes of preparation.
        config.Validate();
        folder.RequireFree();
        LabelledTask? task = TaskOf(config);
        return RunInWork.Show(
            display =>
            {
                using TrainingSetup setup = TrainingSetup.Begin(config, display, cancellation);
                foreach (string line in setup.TakenOver)
                    display.Note(line);
                return new RunInWork(folder, Verb).Begin(() => Train(folder, setup, task, stopAt, display, cancellation));
            },
            cancellation);
    }

    private static int Resume(string path, Func<PretrainingConfig, PretrainingConfig> configure, bool force, int? stopAt, CancellationToken cancellation)
    {
        RunFolder folder = RunFolder.Of(path);
        var run = new RunInWork(folder, Verb);
        run.Open();
        return RunInWork.Show(
            display =>
            {
                display.Stage("reading the checkpoint");
                Checkpoint from = Checkpoint.Read(path);
                using TrainingSetup setup = TrainingSetup.Resume(from, configure(from.State.ConfigAsWritten), RunInWork.Accept(from.Path, force), display, cancellation);
                return run.Train(() => Train(folder, setup, TaskOf(setup.Config), stopAt, display, cancellation));
            },
            cancellation);
    }

    /// <summary>Trains, then writes metrics and report, also of a run that had to be stopped.</summary>
    /// <returns>What to tell the user at the end.</returns>
    private static string Train(RunFolder folder, TrainingSetup setup, LabelledTask? task, int? stopAt, PretrainDisplay display, CancellationToken cancellation)
    {
        ConfigFile.Write(folder.Config, setup.Config);
        using var trainer = new Trainer(folder, setup, display);
        TrainingEnd end;
        try
        {
            end = trainer.Run(stopAt, TrainingEvaluations.Of(setup, task), cancellation);
        }
        catch (TrainingDivergedException)
        {
            Conclude(folder, setup, trainer.StepsDone, display);
            throw;
        }
        Conclude(folder, setup, trainer.StepsDone, display);
        display.Note(setup.BadFiles, setup.Source.Clips.Count, folder);
        return end == TrainingEnd.Stopped
            ? $"stopped after step {trainer.StepsDone} of {trainer.TotalSteps}; go on with: otomask pretrain --resume {folder.Path}"
            : $"done: {trainer.LatestCheckpoint}; look at {folder.Report}, or probe it with: otomask probe {folder.Path} --task TASK.csv";
    }

    private static LabelledTask? TaskOf(PretrainingConfig config) => config.Task is { } path ? LabelledTask.Read(path) : null;

    private static void Conclude(RunFolder folder, TrainingSetup setup, long step, PretrainDisplay display)
    {
        RunLog log = RunLog.Read(folder.Log);
        PretrainingConfig config = setup.Config;
        RunMetrics metrics = RunMetrics.Of(log, config.Batch * config.Accumulate);
        AtomicFile.WriteAllText(folder.Metrics, metrics.ToJson(step, setup.TotalSteps, setup.Source.Clips.Count, setup.BadFiles.Count));
        AtomicFile.WriteAllText(folder.Report, RunReport.Build(new RunSummary
        {
            Name = folder.Name,
            What = $"{ConfigKeys.All.Single(key => key.Name == "framework").Get(config)} {SizeOf(config)}, {config.Mask} masking of {config.Input} input, on {config.Data}",
            Log = log,
            Config = ConfigFile.ToYaml(config),
            Clips = setup.Source.Clips.Count,
            BadFiles = [.. setup.BadFiles.ToList().Select(bad => bad.ToString())],
            Warnings = display.Warnings,
            Environment = RunInWork.Environment(config.Device),
        }));
    }

    [return: NotNullIfNotNull(nameof(path))]
    private static string? Absolute(string? path) => string.IsNullOrEmpty(path) ? path : Path.GetFullPath(path);

    private static string SizeOf(PretrainingConfig config) => config.Encoder?.ToString() ?? config.Size;
}

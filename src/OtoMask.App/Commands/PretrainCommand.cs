using System.CommandLine;
using OtoMask.App.Reports;
using OtoMask.Data;
using OtoMask.Pretraining;
using OtoMask.Torch;
using RunLog = OtoMask.App.Reports.RunLog;

namespace OtoMask.App.Commands;

/// <summary><c>otomask pretrain --data PATH --out RUN</c>, and <c>--resume RUN</c> to go on.</summary>
internal static class PretrainCommand
{
    public static Command Create()
    {
        Option<string> config = new("--config") { Description = "YAML file of the values below; options on the command line win.", HelpName = "FILE.yaml" };
        Option<double?> seconds = new("--input-seconds") { Description = "Length of the input; the frames follow (instead of --input).", HelpName = "S" };
        Option<string> output = new("--out") { Description = "Run folder to make.", HelpName = "RUN" };
        Option<string> resume = new("--resume") { Description = "Go on with a run exactly where its newest checkpoint left it.", HelpName = "RUN" };
        Option<int?> stopAt = new("--stop-at") { Description = "Stop after this epoch although the schedules go on; --resume continues.", HelpName = "EPOCH" };
        ConfigOptions values = new();
        Command command = new("pretrain", "Pre-train an encoder on audio of your own, with the masking strategy of your choice.") { config, seconds, output, resume, stopAt };
        values.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            IReadOnlySet<string> given = values.Given(line);
            if (line.GetValue(stopAt) < 1)
                throw new UserErrorException($"--stop-at {line.GetValue(stopAt)}: stop after at least 1 epoch");
            if (line.GetValue(resume) is { } folder)
            {
                string[] harmless = [.. ConfigKeys.All.Where(key => key.ChangesNoResult).Select(key => key.Name)];
                if (given.Except(harmless).Any() || line.GetValue(config) is not null || line.GetValue(output) is not null || line.GetValue(seconds) is not null)
                    throw new UserErrorException($"--resume goes on with the run as it was configured; give it alone, with --stop-at, or with what changes no result: --{string.Join(", --", harmless)}");
                return Task.FromResult(Resume(new RunFolder(folder), start => values.Read(line, start), line.GetValue(stopAt), cancellation));
            }
            PretrainingConfig start = line.GetValue(config) is { } file ? ConfigFile.Read(file) : new PretrainingConfig();
            if (given.Intersect(["epochs", "steps", "minutes"]).Count() > 1)
                throw new UserErrorException("--epochs, --steps and --minutes are three ways to give one length: choose one");
            if (line.GetValue(seconds) is not null && given.Contains("input"))
                throw new UserErrorException("--input and --input-seconds say the same thing: choose one");
            PretrainingConfig configuration = Resolve(values.Read(line, start), line.GetValue(seconds));
            string path = line.GetValue(output) ?? throw new UserErrorException("nowhere to write: name a run folder with --out");
            return Task.FromResult(Begin(new RunFolder(path), configuration, line.GetValue(stopAt), cancellation));
        });
        return command;
    }

    /// <summary>Frames for seconds, and paths that mean the same from any folder.</summary>
    private static PretrainingConfig Resolve(PretrainingConfig config, double? seconds)
    {
        if (seconds is { } length)
        {
            InputGeometry geometry = InputGeometry.FromSeconds(length, config.Patch);
            config = config with { Input = $"{geometry.Bands}x{geometry.Frames}" };
        }
        return config with { Data = Absolute(config.Data), Task = config.Task is null ? null : Absolute(config.Task) };
    }

    private static int Begin(RunFolder folder, PretrainingConfig config, int? stopAt, CancellationToken cancellation)
    {
        // What the user can mend is said before minutes of preparation.
        config.Validate();
        folder.RequireFree();
        LabelledTask? task = TaskOf(config);
        return Show(cancellation, display =>
        {
            using TrainingSetup setup = TrainingSetup.Begin(config, display, cancellation);
            folder.Create();
            try
            {
                ConfigFile.Write(folder.Config, setup.Config);
                return Train(folder, setup, task, stopAt, display, cancellation);
            }
            catch when (folder.Checkpoints.Count == 0)
            {
                folder.Discard();
                throw;
            }
        });
    }

    private static int Resume(RunFolder folder, Func<PretrainingConfig, PretrainingConfig> change, int? stopAt, CancellationToken cancellation) =>
        Show(cancellation, display =>
        {
            using TrainingSetup setup = TrainingSetup.Resume(folder, change, display, cancellation);
            ConfigFile.Write(folder.Config, setup.Config);
            return Train(folder, setup, TaskOf(setup.Config), stopAt, display, cancellation);
        });

    private static int Show(CancellationToken cancellation, Func<PretrainDisplay, string> work)
    {
        Console.WriteLine(PretrainDisplay.Show(work));
        cancellation.ThrowIfCancellationRequested();
        return 0;
    }

    /// <summary>Trains, then writes metrics and report, also of a run that had to be stopped.</summary>
    /// <returns>What to tell the user at the end.</returns>
    private static string Train(RunFolder folder, TrainingSetup setup, LabelledTask? task, int? stopAt, PretrainDisplay display, CancellationToken cancellation)
    {
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
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder.Path))),
            What = $"{ConfigKeys.All.Single(key => key.Name == "framework").Get(config)} {SizeOf(config)}, {config.Mask} masking of {config.Input} input, on {config.Data}",
            Log = log,
            Config = ConfigFile.ToYaml(config),
            Clips = setup.Source.Clips.Count,
            BadFiles = [.. setup.BadFiles.ToList().Select(bad => $"{bad.Path}: {bad.Reason}")],
            Warnings = display.Warnings,
            Environment = [("libtorch", TorchRuntime.Describe().Split('\n')[0]), ("threads", $"{TorchRuntime.Threads}"), ("device", config.Device)],
        }));
    }

    private static string Absolute(string path) => path.Length == 0 ? path : Path.GetFullPath(path);

    private static string SizeOf(PretrainingConfig config) => config.Encoder is { } own ? $"{own.Width}/{own.Depth}/{own.Heads}" : config.Size;
}

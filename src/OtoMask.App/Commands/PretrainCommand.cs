using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
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
        Option<string> resume = new("--resume") { Description = "Go on with a run exactly where its newest checkpoint left it, or at the checkpoint named.", HelpName = "RUN|CHECKPOINT" };
        Option<bool> force = new("--force") { Description = "With --resume: go on although the configuration or the data has changed." };
        Option<int?> stopAt = new("--stop-at") { Description = "Stop after this epoch although the schedules go on; --resume continues.", HelpName = "EPOCH" };
        ConfigOptions<PretrainingConfig> values = ConfigOptions.Of();
        Command command = new("pretrain", "Pre-train an encoder on audio of your own, with the masking strategy of your choice.") { config, seconds, output, resume, force, stopAt };
        values.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            IReadOnlySet<string> given = values.Given(line);
            if (line.GetValue(stopAt) < 1)
                throw new UserErrorException($"--stop-at {line.GetValue(stopAt)}: stop after at least 1 epoch");
            if (given.Intersect(["epochs", "steps", "minutes"]).Count() > 1)
                throw new UserErrorException("--epochs, --steps and --minutes are three ways to give one length: choose one");
            if (line.GetValue(seconds) is not null && given.Contains("input"))
                throw new UserErrorException("--input and --input-seconds say the same thing: choose one");
            string? file = line.GetValue(config), path = line.GetValue(output);
            PretrainingConfig Read(PretrainingConfig start) => values.Read(line, file is null ? start : ConfigFile.Read(file, start));

            if (line.GetValue(resume) is { } run)
            {
                if (path is not null)
                    throw new UserErrorException("--resume goes on in the run's own folder: leave out --out");
                if (given.Contains("from"))
                    throw new UserErrorException("--from begins a run with another model's weights, --resume goes on with a run: choose one");
                return Task.FromResult(Resume(run, start => Resolve(Read(start), line.GetValue(seconds)), line.GetValue(force), line.GetValue(stopAt), cancellation));
            }
            if (line.GetValue(force))
                throw new UserErrorException("--force is for --resume; a new run is never written over an old one");
            PretrainingConfig configuration = Read(new PretrainingConfig());
            if (configuration.From is { } model)
            {
                IEnumerable<string> inFile = file is null ? [] : ConfigFile.KeysOf(file), bySeconds = line.GetValue(seconds) is null ? [] : ["input"];
                configuration = FurtherPretraining.Complete(configuration, SavedModel.Open(model), given.Concat(inFile).Concat(bySeconds).ToHashSet());
            }
            configuration = Resolve(configuration, line.GetValue(seconds));
            if (path is null)
                throw new UserErrorException("nowhere to write: name a run folder with --out");
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
        return config with { Data = Absolute(config.Data), From = Absolute(config.From), Noise = Absolute(config.Noise), Task = Absolute(config.Task) };
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
            foreach (string line in setup.TakenOver)
                display.Note(line);
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

    private static int Resume(string path, Func<PretrainingConfig, PretrainingConfig> configure, bool force, int? stopAt, CancellationToken cancellation)
    {
        RunFolder folder = RunFolder.Of(path);
        _ = folder.LatestCheckpoint; // says so where there is none
        folder.Occupy();
        return Show(cancellation, display =>
        {
            display.Stage("reading the checkpoint");
            Checkpoint from = Checkpoint.Read(path);
            void Accept(IReadOnlyList<ConfigChange> changes)
            {
                if (!force)
                    throw new UserErrorException(
                        $"{from.Path} was trained otherwise: {string.Join(", ", changes)}. To go on as it was, leave that out or put the data back; to go on with what is new, add --force");
            }
            using TrainingSetup setup = TrainingSetup.Resume(from, configure(from.State.ParsedConfig), Accept, display, cancellation);
            ConfigFile.Write(folder.Config, setup.Config);
            return Train(folder, setup, TaskOf(setup.Config), stopAt, display, cancellation);
        });
    }

    private static int Show(CancellationToken cancellation, Func<PretrainDisplay, string> work)
    {
        Console.WriteLine(PretrainDisplay.Show(work));
        cancellation.ThrowIfCancellationRequested();
        return 0;
    }

    /// <summary>Trains; where the disk fails, the message says what is safe and how to go on.</summary>
    /// <returns>What to tell the user at the end.</returns>
    private static string Train(RunFolder folder, TrainingSetup setup, LabelledTask? task, int? stopAt, PretrainDisplay display, CancellationToken cancellation)
    {
        try
        {
            return TrainAndConclude(folder, setup, task, stopAt, display, cancellation);
        }
        catch (IOException error) when (folder.Checkpoints is [.., var last])
        {
            throw new IOException($"{error.Message.TrimEnd('.')}; the last good checkpoint is {last}, go on from it with: otomask pretrain --resume {folder.Path}", error);
        }
    }

    /// <summary>Trains, then writes metrics and report, also of a run that had to be stopped.</summary>
    private static string TrainAndConclude(RunFolder folder, TrainingSetup setup, LabelledTask? task, int? stopAt, PretrainDisplay display, CancellationToken cancellation)
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

    [return: NotNullIfNotNull(nameof(path))]
    private static string? Absolute(string? path) => string.IsNullOrEmpty(path) ? path : Path.GetFullPath(path);

    private static string SizeOf(PretrainingConfig config) => config.Encoder?.ToString() ?? config.Size;
}

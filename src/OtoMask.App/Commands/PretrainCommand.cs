using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using OtoMask.App.Reports;
using OtoMask.Data;
using OtoMask.Evaluation;
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
        Dictionary<string, Option<string>> values = ConfigKeys.All.ToDictionary(key => key.Name, key => new Option<string>($"--{key.Name}") { Description = Capitalised(key.Help), HelpName = key.Placeholder });

        Command command = new("pretrain", "Pre-train an encoder on audio of your own, with the masking strategy of your choice.") { config, seconds, output, resume, stopAt };
        foreach (Option<string> value in values.Values)
            command.Options.Add(value);
        command.SetAction((line, cancellation) =>
        {
            Dictionary<string, string> given = values.Where(pair => line.GetValue(pair.Value) is not null).ToDictionary(pair => pair.Key, pair => line.GetValue(pair.Value)!);
            if (line.GetValue(resume) is { } folder)
            {
                if (given.Count > 0 || line.GetValue(config) is not null || line.GetValue(output) is not null || line.GetValue(seconds) is not null)
                    throw new UserErrorException("--resume goes on with the run as it was configured; give it alone or with --stop-at");
                return Task.FromResult(Run(new RunFolder(folder), null, line.GetValue(stopAt), cancellation));
            }
            PretrainingConfig configuration = Configure(line.GetValue(config), line.GetValue(seconds), given);
            string path = line.GetValue(output) ?? throw new UserErrorException("nowhere to write: name a run folder with --out");
            return Task.FromResult(Run(new RunFolder(path), configuration, line.GetValue(stopAt), cancellation));
        });
        return command;
    }

    private static PretrainingConfig Configure(string? file, double? seconds, Dictionary<string, string> given)
    {
        PretrainingConfig config = file is null ? new PretrainingConfig() : ConfigFile.Read(file);
        if (given.Keys.Intersect((string[])["epochs", "steps", "minutes"]).Count() > 1)
            throw new UserErrorException("--epochs, --steps and --minutes are three ways to give one length: choose one");
        foreach (ConfigKey key in ConfigKeys.All.Where(key => given.ContainsKey(key.Name)))
            config = Set(config, key, given[key.Name]);
        if (seconds is { } length)
        {
            if (given.ContainsKey("input"))
                throw new UserErrorException("--input and --input-seconds say the same thing: choose one");
            InputGeometry geometry = InputGeometry.FromSeconds(length, config.Patch);
            config = config with { Input = $"{geometry.Bands}x{geometry.Frames}" };
        }
        return config with { Data = Absolute(config.Data), Task = config.Task is null ? null : Absolute(config.Task) };
    }

    private static PretrainingConfig Set(PretrainingConfig config, ConfigKey key, string value)
    {
        try
        {
            return key.Set(config, value);
        }
        catch (UserErrorException error)
        {
            throw new UserErrorException($"--{error.Message}", error);
        }
    }

    private static int Run(RunFolder folder, PretrainingConfig? config, int? stopAt, CancellationToken cancellation)
    {
        TorchRuntime.Threads = Environment.ProcessorCount;
        return PretrainDisplay.Show(display =>
        {
            using TrainingSetup setup = config is null
                ? TrainingSetup.Resume(folder, display, cancellation)
                : TrainingSetup.Begin(config, display, cancellation);
            if (config is not null)
            {
                folder.Create();
                ConfigFile.Write(folder.Config, setup.Config);
            }
            using var trainer = new Trainer(folder, setup, display);
            TrainingEnd end = trainer.Run(stopAt, Evaluations(setup), cancellation);
            Conclude(folder, setup, trainer, display);
            if (end == TrainingEnd.Stopped)
                Console.WriteLine($"stopped after step {trainer.StepsDone} of {trainer.TotalSteps}; go on with: otomask pretrain --resume {folder.Path}");
            else
                Console.WriteLine($"done: {folder.LatestCheckpoint}; look at {folder.Report}, or probe it with: otomask probe {folder.Path} --task TASK.csv");
            cancellation.ThrowIfCancellationRequested();
            return 0;
        });
    }

    /// <summary>What is measured during training: the health of the representation, and k-NN where a task is named.</summary>
    private static IReadOnlyList<IEvaluation> Evaluations(TrainingSetup setup) => [];

    private static void Conclude(RunFolder folder, TrainingSetup setup, Trainer trainer, PretrainDisplay display)
    {
        trainer.Dispose();
        RunLog log = RunLog.Read(folder.Log);
        var metrics = new JsonObject { ["step"] = trainer.StepsDone, ["total_steps"] = trainer.TotalSteps, ["bad_files"] = setup.BadFiles.Count };
        AtomicFile.WriteAllText(folder.Metrics, metrics.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        AtomicFile.WriteAllText(folder.Report, RunReport.Build(new RunSummary
        {
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder.Path))),
            What = $"{ConfigKeys.All.Single(key => key.Name == "framework").Get(setup.Config)} {setup.Config.Size}, {setup.Config.Mask} masking of {setup.Config.Geometry} input, on {setup.Config.Data}",
            Log = log,
            Config = ConfigFile.ToYaml(setup.Config),
            Clips = setup.Source.Clips.Count,
            BadFiles = [.. setup.BadFiles.ToList().Select(bad => $"{bad.Path}: {bad.Reason}")],
            Warnings = display.Warnings,
            Environment = [("libtorch", TorchRuntime.Describe().Split('\n')[0]), ("threads", $"{TorchRuntime.Threads}"), ("device", setup.Config.Device)],
        }));
    }

    private static string Absolute(string path) => path.Length == 0 ? path : Path.GetFullPath(path);

    private static string Capitalised(string help) => char.ToUpperInvariant(help[0]) + help[1..] + ".";
}

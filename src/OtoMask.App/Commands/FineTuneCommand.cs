using System.CommandLine;
using OtoMask.App.Reports;
using OtoMask.FineTuning;
using OtoMask.Pretraining;
using OtoMask.Torch;
using RunLog = OtoMask.App.Reports.RunLog;

namespace OtoMask.App.Commands;

/// <summary><c>otomask finetune CHECKPOINT --task TASK.csv --out RUN</c>, and <c>--resume RUN</c> to go on.</summary>
internal static class FineTuneCommand
{
    public static Command Create()
    {
        Argument<string?> checkpoint = new("CHECKPOINT") { Description = $"What to begin from: {ModelOptions.WhatACheckpointIs}.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> config = new("--config") { Description = "YAML file of the values below; options on the command line win.", HelpName = "FILE.yaml" };
        Option<string> output = new("--out") { Description = "Run folder to make.", HelpName = "RUN" };
        Option<string> resume = new("--resume") { Description = "Go on with a run exactly where its newest checkpoint left it, or at the checkpoint named.", HelpName = "RUN|CHECKPOINT" };
        Option<int?> stopAt = new("--stop-at") { Description = "Stop after this epoch although the schedule goes on; --resume continues.", HelpName = "EPOCH" };
        ConfigOptions<FineTuningConfig> values = new(FineTuningKeys.All.Where(key => key.Name != FineTuningKeys.Checkpoint));
        Command command = new("finetune", "Train an encoder further, with a head, to tell the classes of a labelled task.") { checkpoint, config, output, resume, stopAt };
        values.AddTo(command);
        ModelOptions model = new();
        model.AddTo(command);
        command.SetAction((line, cancellation) =>
        {
            if (line.GetValue(stopAt) < 1)
                throw new UserErrorException($"--stop-at {line.GetValue(stopAt)}: stop after at least 1 epoch");
            if (line.GetValue(resume) is { } folder)
            {
                string[] harmless = [.. FineTuningKeys.All.Where(key => key.ChangesNoResult).Select(key => key.Name)];
                if (values.Given(line).Except(harmless).Any() || line.GetValue(checkpoint) is not null || line.GetValue(config) is not null || line.GetValue(output) is not null)
                    throw new UserErrorException($"--resume goes on with the run as it was configured; give it alone, with --stop-at, or with what changes no result: --{string.Join(", --", harmless)}");
                return Task.FromResult(Resume(folder, start => values.Read(line, start), line.GetValue(stopAt), cancellation));
            }
            FineTuningConfig start = line.GetValue(config) is { } file ? ConfigFile.Read(file, FineTuningKeys.All, new FineTuningConfig()) : new FineTuningConfig();
            FineTuningConfig configuration = values.Read(line, start);
            configuration = configuration with { Checkpoint = Absolute(line.GetValue(checkpoint) ?? configuration.Checkpoint), Task = Absolute(configuration.Task) };
            string path = line.GetValue(output) ?? throw new UserErrorException("nowhere to write: name a run folder with --out");
            var run = new RunFolder(path);
            configuration.Validate();
            run.RequireFree();
            return Task.FromResult(Begin(run, configuration, model.Open(configuration.Checkpoint, line), line.GetValue(stopAt), cancellation));
        });
        return command;
    }

    private static int Begin(RunFolder folder, FineTuningConfig config, SavedModel model, int? stopAt, CancellationToken cancellation) =>
        Show(cancellation, display =>
        {
            using FineTuningSetup setup = FineTuningSetup.Begin(config, model);
            folder.Create();
            try
            {
                return Train(folder, setup, stopAt, display, cancellation);
            }
            catch when (folder.Checkpoints.Count == 0)
            {
                folder.Discard();
                throw;
            }
        });

    private static int Resume(string path, Func<FineTuningConfig, FineTuningConfig> change, int? stopAt, CancellationToken cancellation)
    {
        RunFolder folder = RunFolder.Of(path);
        _ = folder.LatestCheckpoint; // says so where there is none
        folder.Occupy();
        return Show(cancellation, display =>
        {
            using FineTuningSetup setup = FineTuningSetup.Resume(path, change);
            return Train(folder, setup, stopAt, display, cancellation);
        });
    }

    private static int Show(CancellationToken cancellation, Func<PretrainDisplay, string> work)
    {
        Console.WriteLine(PretrainDisplay.Show(work));
        cancellation.ThrowIfCancellationRequested();
        return 0;
    }

    /// <summary>Trains, tests the best epoch, then writes metrics and report, also of a run that had to be stopped.</summary>
    /// <returns>What to tell the user at the end.</returns>
    private static string Train(RunFolder folder, FineTuningSetup setup, int? stopAt, PretrainDisplay display, CancellationToken cancellation)
    {
        ConfigFile.Write(folder.Config, setup.Config, FineTuningKeys.All);
        foreach (string note in setup.Notes)
            display.Warning(note);
        if (setup.Config.Mode == FineTuningMode.SelectOnTest)
            display.Warning("the best epoch is chosen on the test clips, so its score is optimistic; --mode strict does not");
        using var tuner = new FineTuner(folder, setup, display);
        TrainingEnd end;
        try
        {
            end = tuner.Run(stopAt, cancellation);
        }
        catch (TrainingDivergedException)
        {
            Conclude(folder, setup, tuner, null, display);
            throw;
        }
        FineTuningResult? result = null;
        if (end == TrainingEnd.Finished)
        {
            display.Stage("scoring the best epoch on the test clips");
            result = tuner.Test();
        }
        Conclude(folder, setup, tuner, result, display);
        return result is null
            ? $"stopped after step {tuner.StepsDone} of {tuner.TotalSteps}; go on with: otomask finetune --resume {folder.Path}"
            : $"{FineTuningReport.Sentence(result, setup.Config)}; {folder.BestCheckpoint} is the model: otomask predict {folder.Path} AUDIO";
    }

    private static void Conclude(RunFolder folder, FineTuningSetup setup, FineTuner tuner, FineTuningResult? result, PretrainDisplay display)
    {
        RunLog log = RunLog.Read(folder.Log);
        AtomicFile.WriteAllText(folder.Metrics, FineTuningMetrics.ToJson(setup, tuner, result, RunMetrics.Of(log, setup.StepClips)));
        AtomicFile.WriteAllText(folder.Report, FineTuningReport.Build(new FineTuningSummary
        {
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder.Path))),
            Setup = setup,
            Log = log,
            Best = tuner.Best,
            Result = result,
            Warnings = display.Warnings,
            Environment = [("libtorch", TorchRuntime.Describe().Split('\n')[0]), ("threads", $"{TorchRuntime.Threads}"), ("device", setup.Config.Device)],
        }));
    }

    private static string Absolute(string path) => path.Length == 0 ? path : Path.GetFullPath(path);
}
